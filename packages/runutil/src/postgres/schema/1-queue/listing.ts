import { BY_HASH, BY_INDEX } from '../plan-settings.ts'

/** The most jobs that a page looks at. */
export const MOST_LOOKED_AT = 10_000

/** Whether a row of `jobs` is what a `job_query` asks for; of the status, only whether the job has ended, and how. */
const matches = (j: string, q: string): string => /* sql */ `(${q}.kind is null or ${j}.kind = ${q}.kind)
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

/** Finding jobs by a query, a page at a time. */
export const listing = (s: string): string => /* sql */ `
-- Null for anything. Each time is half a ms before what was given, since a job's times are shown rounded.
create type ${s}.job_query as (
  kind text, status text, key text, id_prefix text, created_from timestamptz, created_before timestamptz,
  run_from timestamptz, run_before timestamptz, ended_from timestamptz, ended_before timestamptz, error text
);

-- A page of what a query finds, as JSON of a job_query, in the order of JobStore.list. Stable, so that all of it sees one
-- snapshot. Next is where it has ended; null when there are no more.
create function ${s}.find_jobs(
  p_query text, p_limit integer, p_after text, out ids text[], out seqs bigint[], out next text
) language plpgsql stable ${BY_HASH} as $$
declare
  v_query ${s}.job_query := json_populate_record(null::${s}.job_query, p_query::json);
begin
  if v_query.status in ('DONE', 'FAILED', 'PANIC') then
    select * into ids, seqs, next from ${s}.find_ended(v_query, p_limit, p_after);
  else
    select * into ids, seqs, next from ${s}.find_inserted(v_query, p_limit, p_after::bigint);
  end if;
end $$;

create function ${s}.jobs_in_order(p_ids text[], p_seqs bigint[]) returns setof ${s}.jobs
language plpgsql stable ${BY_INDEX} as $$
begin
  return query select j.* from unnest(p_ids, p_seqs) with ordinality as given (id, seq, place)
    cross join lateral (select o.* from ${s}.jobs as o where o.id = given.id and o.seq = given.seq offset 0) as j
    order by given.place;
end $$;

create function ${s}.find_inserted(
  p_query ${s}.job_query, p_limit integer, p_after bigint, out ids text[], out seqs bigint[], out next text
) language plpgsql stable ${BY_HASH} as $$
begin
  with held as materialized (
    select u.id, u.seq from ${s}.job_claims as c, unnest(c.ids, c.seqs) as u (id, seq)
  ), looked_at as materialized (
    select j.seq, j.id, ${matches('j', 'p_query')} and case p_query.status
        when 'RUNNING' then (j.id, j.seq) in (select h.id, h.seq from held as h)
        when 'WAITING' then (j.id, j.seq) not in (select h.id, h.seq from held as h where h.id is not null)
        when 'BLOCKED' then false
        else true
      end as is_found
    from ${s}.jobs as j where p_after is null or j.seq < p_after order by j.seq desc limit ${MOST_LOOKED_AT}
  ), found as (
    select f.seq, f.id from looked_at as f where f.is_found order by f.seq desc limit p_limit
  )
  select array_agg(f.id order by f.seq desc), array_agg(f.seq order by f.seq desc), case
      when count(*) = p_limit then min(f.seq)
      when (select count(*) from looked_at) = ${MOST_LOOKED_AT} then (select min(l.seq) from looked_at as l)
    end
    into ids, seqs, next from found as f;
end $$;

create function ${s}.find_ended(
  p_query ${s}.job_query, p_limit integer, p_after text, out ids text[], out seqs bigint[], out next text
) language plpgsql stable ${BY_HASH} as $$
declare
  v_at timestamptz := timestamptz 'epoch' + split_part(p_after, ':', 1)::bigint * interval '1 us';
  v_id text := substr(p_after, strpos(p_after, ':') + 1);
begin
  with found as (
    select j.seq, j.id, j.updated_at from ${s}.jobs as j
    where ${matches('j', 'p_query')} and (p_after is null or (j.updated_at, j.id) < (v_at, v_id))
    order by j.updated_at desc, j.id desc limit p_limit
  )
  select array_agg(f.id order by f.updated_at desc, f.id desc), array_agg(f.seq order by f.updated_at desc, f.id desc)
    into ids, seqs from found as f;
  if cardinality(ids) = p_limit then
    select (extract(epoch from j.updated_at) * 1000000)::bigint || ':' || j.id into next
      from ${s}.jobs as j where j.id = ids[p_limit];
  end if;
end $$;
`
