import { BY_HASH, BY_INDEX } from '../plan-settings.ts'
import { FIRST_PLACE, openJobs } from './open-jobs.ts'
import { unblockedKeys } from './unblocked-keys.ts'

/** How many waiting jobs a claim reads first at least, full keys or not. */
const FIRST_ROWS = 64
/** How many it then reads behind the mark, and how many it scans for them, with the jobs of keys found full before. */
const BACKLOG_ROWS = 256
const SCANNED_ROWS = 4_096
/** How many jobs of the backlog a claim rereads. */
const REREAD_ROWS = 128

/**
 * How many jobs of one key of a kind may run.
 *
 * A claim reads the first waiting jobs, and the running jobs of each of their keys, until it has enough. While full keys
 * have a longer backlog than that, the kind has a row in `job_backlogs`, and a claim continues from its mark: all jobs before
 * it had full keys when they were read. Jobs before the mark that may start after all are found in two ways: a statement that
 * frees a slot, or adds a job that may lie there, notes the key in `job_unblocked_keys`, and each claim rereads a part of the
 * backlog. When all that isn't enough, a claim looks up some keys one by one. So the order is kept nearly, and what a claim
 * reads is bounded, however many keys are full.
 */
export const limitingKeys = (s: string): string =>
  [backlogTables, openJobs, unblockedKeys, choosingByKey].map((part) => part(s)).join('')

const backlogTables = (s: string): string => /* sql */ `
-- A position in the order of a kind's waiting jobs. priority is a bigint, so that one position is before all jobs.
create type ${s}.job_place as (priority bigint, run_at timestamptz, seq bigint);
create table ${s}.job_backlogs (
  kind text collate "C" primary key,
  -- The mark: all before it had full keys.
  full_to ${s}.job_place not null,
  -- How far the backlog has been reread; null: start from its beginning.
  reread_to ${s}.job_place,
  -- The last claim found nothing, but has searched only a part.
  search_incomplete boolean not null default false,
  -- The last keys that were looked up, from job_unblocked_keys and from jobs_waiting; null: start from the first.
  unblocked_key_cursor text collate "C",
  key_cursor text collate "C"
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
-- Keys of kinds with a backlog that have got room, or jobs, since. Other statements only add rows, so that nothing waits for a
-- caller's transaction that ends a job; claims remove them.
create table ${s}.job_unblocked_keys (
  kind text collate "C" not null,
  key text collate "C" not null
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
create index job_unblocked_keys_by_key on ${s}.job_unblocked_keys (kind, key);
`

const choosingByKey = (s: string): string => /* sql */ `
-- Like first_jobs, for a kind of which at most p_each jobs may run per key.
create function ${s}.first_jobs_by_key(p_kind text, p_limit integer, p_each integer)
returns table (place tid, id text, priority integer, run_at timestamptz, seq bigint) language plpgsql
${BY_HASH} as $$
declare
  v_first_rows integer := greatest(${FIRST_ROWS}, least(4 * p_limit, p_limit + ${BACKLOG_ROWS}));
  v_first record;
  v_backlog boolean := exists (select from ${s}.job_backlogs as b where b.kind = p_kind);
  v_places tid[];
begin
  select * into v_first from ${s}.open_jobs(p_kind, p_each, p_limit, ${FIRST_PLACE(s)}, v_first_rows, v_first_rows, '{}');
  v_places := v_first.places;
  if v_first.ended and v_backlog then
    delete from ${s}.job_backlogs as b where b.kind = p_kind;
    delete from ${s}.job_unblocked_keys as o where o.kind = p_kind;
  elsif not v_first.ended and cardinality(v_places) < p_limit then
    v_places := v_places || ${s}.jobs_behind_backlog(
      p_kind, p_limit, p_each, v_first_rows, v_places, v_first.reached, v_first.full_keys);
  elsif v_backlog then
    -- Only to remove keys without room or jobs, which would accumulate.
    perform ${s}.jobs_of_unblocked_keys(p_kind, p_limit, p_each);
  end if;
  select array_agg(c.ctid) into v_places from (
    select w.ctid, w.key, row_number() over (partition by w.key order by w.priority desc, w.run_at, w.seq)
      + (select count(*) from ${s}.job_slots as o where o.kind = p_kind and o.key = w.key) as nth
    from ${s}.jobs_waiting as w where w.ctid = any (v_places)
  ) as c where c.key is null or c.nth <= p_each;
  return query select w.ctid, w.id, w.priority, w.run_at, w.seq from ${s}.jobs_waiting as w
    where w.ctid = any (v_places) for update skip locked;
end $$;

-- More jobs than the first ones, when those weren't enough. The first ones were read up to p_reached; p_full are their full
-- keys.
create function ${s}.jobs_behind_backlog(
  p_kind text, p_limit integer, p_each integer, p_first_rows integer, p_places tid[], p_reached ${s}.job_place,
  p_full text[]
) returns tid[] language plpgsql ${BY_INDEX} as $$
declare
  v_backlog ${s}.job_backlogs;
  v_scan record;
  v_rows integer;
  v_places tid[];
  v_from ${s}.job_place;
  v_open ${s}.job_place;
begin
  insert into ${s}.job_backlogs (kind, full_to) values (p_kind, p_reached) on conflict do nothing;
  select * into v_backlog from ${s}.job_backlogs as b where b.kind = p_kind;
  v_places := ${s}.jobs_of_unblocked_keys(p_kind, p_limit, p_each);
  if ${s}.is_before(v_backlog.full_to, p_reached) then
    v_backlog.full_to := p_reached;
  elsif ${s}.is_before(p_reached, v_backlog.full_to) then
    v_from := v_backlog.reread_to;
    if v_from is null or ${s}.is_before(v_from, p_reached) then v_from := p_reached; end if;
    select * into v_scan from ${s}.open_jobs(p_kind, p_each, p_limit, v_from, ${REREAD_ROWS}, ${REREAD_ROWS}, '{}');
    v_places := v_places || v_scan.places;
    v_backlog.reread_to := case when not v_scan.ended and ${s}.is_before(v_scan.reached, v_backlog.full_to)
      then v_scan.reached end;
  end if;
  v_from := v_backlog.full_to;
  foreach v_rows in array array[p_first_rows, greatest(p_first_rows, ${BACKLOG_ROWS})] loop
    select * into v_scan from ${s}.open_jobs(
      p_kind, p_each, p_limit, v_from, v_rows, greatest(v_rows, ${SCANNED_ROWS}), p_full);
    v_places := v_places || v_scan.places;
    v_open := coalesce(v_open, v_scan.first);
    v_from := v_scan.reached;
    exit when v_scan.ended or cardinality(p_places || v_places) >= p_limit;
  end loop;
  -- The mark is just before the first job whose key isn't full, or else where the scan ended.
  if v_open is not null then v_open.seq := v_open.seq - 1; end if;
  v_backlog.full_to := coalesce(v_open, v_from);
  if not v_scan.ended and cardinality(p_places || v_places) < p_limit then
    select v_places || o.places, o.reached into v_places, v_backlog.key_cursor
      from ${s}.jobs_of_next_keys(p_kind, p_limit, p_each, v_backlog.key_cursor) as o;
  end if;
  v_backlog.search_incomplete := cardinality(p_places || v_places) = 0
    and (not v_scan.ended or v_backlog.reread_to is not null);
  update ${s}.job_backlogs as b
    set full_to = v_backlog.full_to, reread_to = v_backlog.reread_to, search_incomplete = v_backlog.search_incomplete,
      key_cursor = v_backlog.key_cursor
    where b.kind = p_kind and (b.full_to, b.reread_to, b.search_incomplete, b.key_cursor)
      is distinct from (v_backlog.full_to, v_backlog.reread_to, v_backlog.search_incomplete, v_backlog.key_cursor);
  return v_places;
end $$;
`
