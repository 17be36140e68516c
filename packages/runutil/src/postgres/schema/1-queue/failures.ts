import { BY_INDEX } from '../plan-settings.ts'
import { MOST_LOOKED_AT, PAGE, matches, position } from './job-query-type.ts'

/**
 * The jobs that are FAILED or PANIC, by when they ended: an index of `jobs` on their status would make the end of every job an
 * update that all indexes hear of. Whatever makes a job FAILED or PANIC calls `record_failures`, and whatever revives one
 * removes its row. Those of removed jobs are removed with them.
 */
export const failures = (s: string): string => /* sql */ `
create table ${s}.job_failures (
  id text collate "C" primary key,
  seq bigint not null,
  kind text collate "C" not null,
  status text collate "C" not null,
  ended_at timestamptz not null
) with (autovacuum_vacuum_scale_factor = 0.02);
create index job_failures_by_end on ${s}.job_failures (status, ended_at, id);
create index job_failures_by_kind on ${s}.job_failures (kind, status, ended_at, id);

-- Records those of the jobs that are FAILED or PANIC.
create function ${s}.record_failures(p_ids text[]) returns void language plpgsql ${BY_INDEX} as $$
begin
  insert into ${s}.job_failures as f (id, seq, kind, status, ended_at)
    select j.id, j.seq, j.kind, j.status, j.updated_at from (select distinct unnest(p_ids) as id order by 1) as given
    cross join lateral (select o.* from ${s}.jobs as o where o.id = given.id offset 0) as j
    where j.status in ('FAILED', 'PANIC')
    on conflict (id) do update
      set seq = excluded.seq, kind = excluded.kind, status = excluded.status, ended_at = excluded.ended_at;
end $$;

create function ${s}.find_failed(p_query ${s}.job_query, p_limit integer, p_after text, ${PAGE})
language plpgsql stable ${BY_INDEX} as $$
declare
  v_at timestamptz := least(coalesce(${s}.time_of(p_after), 'infinity'), p_query.ended_before);
  v_id text := case when p_after is null or v_at < ${s}.time_of(p_after) then '' else ${s}.tie_of(p_after) end;
  v_ended timestamptz[];
begin
  if p_query.kind is null then
    ${findFailed(s, '')}
  else
    ${findFailed(s, 'f.kind = p_query.kind and')}
  end if;
end $$;
`

/** The statements for a query with a kind, or without one: each has an index. */
const findFailed = (s: string, ofKind: string): string => {
  const rows = /* sql */ `from ${s}.job_failures as f
      where ${ofKind} f.status = p_query.status and (f.ended_at, f.id) < (v_at, v_id)
        and f.ended_at >= coalesce(p_query.ended_from, '-infinity')
      order by f.ended_at desc, f.id desc`
  return /* sql */ `
    select array_agg(j.id), array_agg(j.seq), array_agg(j.ended_at) into ids, seqs, v_ended from (
      select f.* from (select f.id, f.seq, f.ended_at ${rows} limit ${MOST_LOOKED_AT}) as f
      cross join lateral (
        select from ${s}.jobs as o where o.id = f.id and o.seq = f.seq and ${matches('o', 'p_query')} offset 0
      ) as found
      order by f.ended_at desc, f.id desc limit p_limit
    ) as j;
    if cardinality(ids) = p_limit then
      next := ${position('v_ended[p_limit]', 'ids[p_limit]')};
    else
      select ${position('f.ended_at', 'f.id')} into next ${rows} offset ${MOST_LOOKED_AT - 1} limit 1;
    end if;`
}
