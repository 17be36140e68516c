import { PINNED } from '../plan-settings.ts'

/** Pages of the table per part. */
const PAGES = 64

/**
 * Removing jobs that have ended.
 *
 * No index has the time when a job ended, since it would make ending every job slower. So the table is read part by part,
 * and for each part the earliest time when one of its jobs may be removed is stored: until then it isn't read again.
 */
export const pruning = (s: string): string => /* sql */ `
create table ${s}.job_sweeps (part integer primary key, due_at timestamptz not null);
create index job_sweeps_due on ${s}.job_sweeps (due_at);

create function ${s}.has_aged(p_since timestamptz, p_kept float8, p_now timestamptz) returns boolean
language sql immutable as $$
  select pg_catalog.date_part('epoch', p_now operator(pg_catalog.-) p_since) operator(pg_catalog.*) 1000
    operator(pg_catalog.>=) p_kept
$$;

-- By their places, which the caller has locked.
create function ${s}.remove_jobs(p_places tid[]) returns void language plpgsql
${PINNED} set enable_seqscan = off set plan_cache_mode = force_custom_plan as $$
declare
  v_unique record;
begin
  perform ${s}.remove_dependencies(array(select id from ${s}.jobs where ctid = any (p_places) and links is not null));
  with gone as (
    delete from ${s}.jobs where ctid = any (p_places) returning id, kind, status, unique_key
  ), failures as (
    delete from ${s}.job_failures as f using gone where f.id = gone.id and gone.status <> 'DONE'
  ), progress as (
    delete from ${s}.job_progress as p using gone where p.id = gone.id
  )
  select array_agg(id) as ids, array_agg(kind) as kinds, array_agg(unique_key) as keys into v_unique
    from gone where unique_key is not null;
  if v_unique.ids is not null then
    perform ${s}.free_unique_keys_of_removed(v_unique.ids, v_unique.kinds, v_unique.keys);
  end if;
end $$;

-- When the first of the jobs in these places may be removed; null: none is to be.
create function ${s}.first_due(p_from tid, p_to tid) returns timestamptz language plpgsql
${PINNED} set enable_seqscan = off set plan_cache_mode = force_custom_plan as $$
begin
  return (
    select min(j.ended_at + j.kept * interval '1 ms') from (
      -- The first of each kind, so that their retention is looked up once.
      select first.ended_at, case first.status when 'DONE' then r.done_kept else r.failed_kept end as kept
      from (
        select o.kind, o.status, min(o.updated_at) as ended_at from ${s}.jobs as o
        where o.ctid >= p_from and o.ctid < p_to and o.status <> 'PENDING' group by o.kind, o.status
      ) as first join ${s}.job_retentions as r using (kind)
    ) as j where j.kept < 'infinity'
  );
end $$;

-- Prunes one part. Returns whether one was due.
create function ${s}.prune_by_rules(p_now float8) returns boolean language plpgsql
${PINNED} set enable_seqscan = off set plan_cache_mode = force_custom_plan as $$
declare
  v_now timestamptz := ${s}.store_time(p_now);
  v_least float8;
  v_parts bigint;
  v_part integer;
  v_from tid;
  v_to tid;
  v_next timestamptz;
begin
  perform ${s}.remove_expired_rules(v_now);
  perform ${s}.remove_old_minutes(v_now);
  select min(least(r.done_kept, r.failed_kept)) into v_least from ${s}.job_retentions as r;
  if v_least is null or v_least = 'infinity' then return false; end if;
  v_parts := (pg_relation_size('${s.replaceAll("'", "''")}.jobs') + ${PAGES * 8192 - 1}) / ${PAGES * 8192};
  insert into ${s}.job_sweeps (part, due_at)
    select n, v_now
    from generate_series(coalesce((select max(part) + 1 from ${s}.job_sweeps), 0), v_parts - 1) as n
    on conflict do nothing;
  select part into v_part from ${s}.job_sweeps where due_at <= v_now order by due_at limit 1 for update skip locked;
  if not found then return false; end if;
  v_from := format('(%s,0)', v_part * ${PAGES})::tid;
  v_to := format('(%s,0)', (v_part + 1) * ${PAGES})::tid;
  v_next := ${s}.first_due(v_from, v_to);
  -- In most parts none is due, which one look at them tells. Times are rounded.
  if v_next <= v_now + interval '1 ms' then
    perform ${s}.remove_jobs(array(
      select j.ctid from ${s}.jobs as j join ${s}.job_retentions as r using (kind)
      where j.ctid >= v_from and j.ctid < v_to and j.status <> 'PENDING' and r.live
        -- In this order: a condition on j alone would be tried on all jobs of the part.
        and case when ${s}.has_aged(j.updated_at, case j.status when 'DONE' then r.done_kept else r.failed_kept end, v_now)
          then j.links is null or not ${s}.is_needed(j.id) else false end
      for update of j skip locked
    ));
    v_next := ${s}.first_due(v_from, v_to);
  end if;
  -- Jobs that end here from now on aren't due before v_least. A part is read at most 20 times in the retention of its jobs,
  -- and at most 10 parts a second.
  update ${s}.job_sweeps set due_at = greatest(
    least(v_next, v_now + v_least * interval '1 ms'),
    v_now + greatest(1000, v_parts * 100, least(v_least, 604800000) / 20) * interval '1 ms'
  ) where part = v_part;
  return true;
end $$;

-- When p_limit jobs were removed, o_from and o_to are the blocks of the table at which the next call begins and ends, so that
-- it doesn't reread what this one has passed. The first call finds the blocks by the index.
create function ${s}.prune_jobs(
  p_retention float8, p_limit integer, p_now float8, p_from float8, p_to float8,
  out o_count integer, out o_from float8, out o_to float8
) language plpgsql ${PINNED} set enable_seqscan = off set plan_cache_mode = force_custom_plan as $$
declare
  v_now timestamptz := ${s}.store_time(p_now);
  v_until timestamptz := v_now - p_retention * interval '1 ms';
  v_from tid;
  v_to tid;
  v_places tid[];
begin
  if p_from is null then
    v_places := array(
      select ctid from ${s}.jobs
      where status <> 'PENDING' and updated_at <= v_until and (links is null or not ${s}.is_needed(id)) limit p_limit for update skip locked
    );
  else
    v_from := format('(%s,0)', p_from::bigint)::tid;
    v_to := format('(%s,0)', p_to::bigint + 1)::tid;
    v_places := array(
      select ctid from ${s}.jobs
      where ctid >= v_from and ctid < v_to and status <> 'PENDING' and ${s}.has_aged(updated_at, p_retention, v_now)
        and (links is null or not ${s}.is_needed(id))
      limit p_limit for update skip locked
    );
  end if;
  perform ${s}.remove_jobs(v_places);
  o_count := cardinality(v_places);
  -- Before version 14, PostgreSQL can't read a range of blocks.
  if o_count < p_limit or current_setting('server_version_num')::integer < 140000 then return; end if;
  o_from := ${s}.block_of(v_places[o_count]);
  o_to := coalesce(p_to, (
    select ${s}.block_of(last.ctid) from (
      select ctid from ${s}.jobs where status <> 'PENDING' and updated_at <= v_until order by ctid desc limit 1
    ) as last
  ), o_from);
end $$;

create function ${s}.block_of(p_place tid) returns float8 language sql immutable as $$
  select (p_place::pg_catalog.text::pg_catalog.point)[0]
$$;
`
