import { BY_HASH, BY_INDEX } from '../plan-settings.ts'
import { FIRST_PLACE, openJobs } from './open-jobs.ts'
import { openedKeys } from './opened-keys.ts'

/** How many waiting jobs a claim reads first, full keys or not. */
const FEW = 64
/** How many it reads behind a backlog, and past how many jobs with the keys of the first ones. */
const MORE = 256
const PAST = 4_096
/** How many jobs of the backlog a claim rereads. */
const AGAIN = 128

/**
 * How many jobs of one key of a kind may run.
 *
 * A claim reads the first waiting jobs, and the running jobs of each of their keys, until it has enough. While full keys
 * have a longer backlog than that, the kind has a row in `job_backlogs`, and a claim continues from its mark: all jobs before
 * it had full keys when they were read. Jobs before the mark that may start after all are found in two ways: a statement that
 * frees a place notes its key in `job_openings`, and each claim rereads a part of the backlog. So the order is kept nearly,
 * and what a claim reads is bounded, however many keys are full.
 */
export const limitingKeys = (s: string): string =>
  [backlogTables, openJobs, openedKeys, choosingByKey].map((part) => part(s)).join('')

const backlogTables = (s: string): string => /* sql */ `
-- A position in the order of a kind's waiting jobs. priority is a bigint, so that one position is before all jobs.
create type ${s}.job_place as (priority bigint, run_at timestamptz, seq bigint);
create table ${s}.job_backlogs (
  kind text collate "C" primary key,
  -- The mark: all before it had full keys.
  full_to ${s}.job_place not null,
  -- How far the backlog was reread; null: from the beginning.
  again_to ${s}.job_place,
  -- The last claim found nothing, but has searched only a part.
  goes_on boolean not null default false,
  -- The last keys searched, in job_openings and in jobs_waiting.
  opened_key text collate "C",
  some_key text collate "C"
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
-- Keys of kinds with a backlog that got room or jobs. Rows are only added, so that nothing waits for a caller's transaction
-- that ends a job; claims remove them.
create table ${s}.job_openings (
  kind text collate "C" not null,
  key text collate "C" not null
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
create index job_openings_by_key on ${s}.job_openings (kind, key);
`

const choosingByKey = (s: string): string => /* sql */ `
-- Like first_jobs, for a kind of which at most p_each jobs may run per key.
create function ${s}.first_jobs_by_key(p_kind text, p_limit integer, p_each integer)
returns table (place tid, id text, priority integer, run_at timestamptz, seq bigint) language plpgsql
${BY_HASH} as $$
declare
  v_few integer := greatest(${FEW}, 4 * p_limit);
  v_first record;
  v_backlog boolean := exists (select from ${s}.job_backlogs as b where b.kind = p_kind);
  v_places tid[];
begin
  select * into v_first from ${s}.open_jobs(p_kind, p_each, p_limit, ${FIRST_PLACE(s)}, v_few, v_few, '{}');
  v_places := v_first.places;
  if v_first.ended and v_backlog then
    delete from ${s}.job_backlogs as b where b.kind = p_kind;
    delete from ${s}.job_openings as o where o.kind = p_kind;
  elsif not v_first.ended and cardinality(v_places) < p_limit then
    v_places := v_places || ${s}.jobs_behind_backlog(
      p_kind, p_limit, p_each, v_few, v_places, v_first.reached, v_first.full_keys);
  elsif v_backlog then
    -- Only to remove rows, which would become too many.
    perform ${s}.jobs_of_opened_keys(p_kind, p_limit, p_each);
  end if;
  select array_agg(c.ctid) into v_places from (
    select w.ctid, w.key, row_number() over (partition by w.key order by w.priority desc, w.run_at, w.seq)
      + (select count(*) from ${s}.job_slots as o where o.kind = p_kind and o.key = w.key) as nth
    from ${s}.jobs_waiting as w where w.ctid = any (v_places)
  ) as c where c.key is null or c.nth <= p_each;
  return query select w.ctid, w.id, w.priority, w.run_at, w.seq from ${s}.jobs_waiting as w
    where w.ctid = any (v_places) for update skip locked;
end $$;

-- Jobs behind the first ones, up to p_reached, when those weren't enough.
create function ${s}.jobs_behind_backlog(
  p_kind text, p_limit integer, p_each integer, p_few integer, p_places tid[], p_reached ${s}.job_place,
  p_full text[]
) returns tid[] language plpgsql ${BY_INDEX} as $$
declare
  v_backlog ${s}.job_backlogs;
  v_walk record;
  v_rows integer;
  v_places tid[];
  v_from ${s}.job_place;
  v_open ${s}.job_place;
begin
  insert into ${s}.job_backlogs (kind, full_to) values (p_kind, p_reached) on conflict do nothing;
  select * into v_backlog from ${s}.job_backlogs as b where b.kind = p_kind;
  v_places := ${s}.jobs_of_opened_keys(p_kind, p_limit, p_each);
  if ${s}.is_before(v_backlog.full_to, p_reached) then
    v_backlog.full_to := p_reached;
  elsif ${s}.is_before(p_reached, v_backlog.full_to) then
    v_from := v_backlog.again_to;
    if v_from is null or ${s}.is_before(v_from, p_reached) then v_from := p_reached; end if;
    select * into v_walk from ${s}.open_jobs(p_kind, p_each, p_limit, v_from, ${AGAIN}, ${AGAIN}, '{}');
    v_places := v_places || v_walk.places;
    v_backlog.again_to := case when not v_walk.ended and ${s}.is_before(v_walk.reached, v_backlog.full_to)
      then v_walk.reached end;
  end if;
  v_from := v_backlog.full_to;
  foreach v_rows in array array[p_few, greatest(p_few, ${MORE})] loop
    select * into v_walk from ${s}.open_jobs(
      p_kind, p_each, p_limit, v_from, v_rows, greatest(v_rows, ${PAST}), p_full);
    v_places := v_places || v_walk.places;
    v_open := coalesce(v_open, v_walk.first);
    v_from := v_walk.reached;
    exit when v_walk.ended or cardinality(p_places || v_places) >= p_limit;
  end loop;
  -- Just before the first job whose key isn't full.
  if v_open is not null then v_open.seq := v_open.seq - 1; end if;
  v_backlog.full_to := coalesce(v_open, v_from);
  if not v_walk.ended and cardinality(p_places || v_places) < p_limit then
    select v_places || o.places, o.reached into v_places, v_backlog.some_key
      from ${s}.jobs_of_some_keys(p_kind, p_limit, p_each, v_backlog.some_key) as o;
  end if;
  v_backlog.goes_on := cardinality(p_places || v_places) = 0
    and (not v_walk.ended or v_backlog.again_to is not null);
  update ${s}.job_backlogs as b
    set full_to = v_backlog.full_to, again_to = v_backlog.again_to, goes_on = v_backlog.goes_on,
      some_key = v_backlog.some_key
    where b.kind = p_kind and (b.full_to, b.again_to, b.goes_on, b.some_key)
      is distinct from (v_backlog.full_to, v_backlog.again_to, v_backlog.goes_on, v_backlog.some_key);
  return v_places;
end $$;
`
