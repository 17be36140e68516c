import { PINNED } from '../plan-settings.ts'

/** The most jobs that a page looks at. */
export const MOST_LOOKED_AT = 10_000

/** Whether a row of `jobs` is what a `job_query` asks for; of a status of PENDING jobs, only that it is PENDING. */
export const matches = (
  j: string,
  q: string,
): string => /* sql */ `(${q}.kind is null or ${j}.kind = ${q}.kind)
      and (${q}.key is null or ${j}.key = ${q}.key)
      and (${q}.id_prefix is null or starts_with(${j}.id, ${q}.id_prefix))
      and (${q}.created_from is null or ${j}.created_at >= ${q}.created_from)
      and (${q}.created_before is null or ${j}.created_at < ${q}.created_before)
      and (${q}.run_from is null or ${j}.run_at >= ${q}.run_from)
      and (${q}.run_before is null or ${j}.run_at < ${q}.run_before)
      and (${q}.ended_from is null or (${j}.status <> 'PENDING' and ${j}.updated_at >= ${q}.ended_from))
      and (${q}.ended_before is null or (${j}.status <> 'PENDING' and ${j}.updated_at < ${q}.ended_before))
      and (${q}.error is null or strpos(${j}.last_error, ${q}.error) > 0)
      and (${q}.status is null or ${j}.status =
        case when ${q}.status in ('WAITING', 'RUNNING', 'BLOCKED') then 'PENDING' else ${q}.status end)`

/** What find_jobs and the functions that it calls return; next is where the page ends, null when there are no more jobs. */
export const PAGE = /* sql */ `out ids text[], out seqs bigint[], out next text`

/** A position in a list: a time, in µs since the epoch, and what orders jobs of one time. */
export const position = (at: string, tie: string): string =>
  /* sql */ `(extract(epoch from ${at}) * 1000000)::bigint || ':' || ${tie}`

export const jobQueryType = (s: string): string => /* sql */ `
-- Null for anything. Each time is half a ms before what was given, since a job's times are shown rounded.
create type ${s}.job_query as (
  kind text, status text, key text, id_prefix text, created_from timestamptz, created_before timestamptz,
  run_from timestamptz, run_before timestamptz, ended_from timestamptz, ended_before timestamptz, error text
);

create function ${s}.time_of(p_position text) returns timestamptz language plpgsql immutable ${PINNED} as $$
begin
  return timestamptz 'epoch' + split_part(p_position, ':', 1)::bigint * interval '1 us';
end $$;

create function ${s}.tie_of(p_position text) returns text language plpgsql immutable ${PINNED} as $$
begin
  return substr(p_position, strpos(p_position, ':') + 1);
end $$;
`
