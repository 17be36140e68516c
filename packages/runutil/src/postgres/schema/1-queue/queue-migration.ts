import type { Migration } from '../migration.ts'
import { numbers } from '../numbers.ts'
import { storeTime } from '../store-time.ts'
import { admin } from './admin.ts'
import { claiming } from './claiming.ts'
import { clockSet } from './clock-set.ts'
import { fitting } from './fitting.ts'
import { freeing } from './freeing.ts'
import { limiting } from './limiting.ts'
import { pruning } from './pruning.ts'
import { rules } from './rules.ts'
import { settling } from './settling.ts'
import { PINNED } from '../plan-settings.ts'

/**
 * Jobs, those of them that wait, and the leases and limits that the others are held under.
 *
 * - `jobs` has all of every job and one index, its ids. Nothing in that changes when a job ends, so ending one is a HOT
 *   update: no index grows. Hence the free half of each page.
 * - `jobs_waiting` has one short row for each job that nobody holds. To claim a job is to take its row out; ended jobs
 *   have none, so that however many there are, a claim never meets them. It never walks those that aren't `due`.
 * - `job_claims` has one row for all jobs of a claim. A job that isn't PENDING, or isn't in `ids`, isn't held by it:
 *   that is the fence. One that ends stays in `ids`; one that goes back to waiting doesn't.
 * - What workers hold their kinds to is in `job_rules`, for as long as they are heard; what follows from it for claims is
 *   one row a kind, in `job_limits`.
 * - Whoever claims jobs of a limited kind locks the kind's row first, so what it counts stays true until it commits.
 * - `job_backlogs` has a row for each kind whose first jobs wait for full keys, and `job_openings` the keys of such kinds that
 *   may have room again: claims look there, and at what is behind.
 */
export const queueMigration: Migration = {
  number: 1,
  name: 'queue',
  sql: (schema) =>
    [
      numbers,
      storeTime,
      tables,
      enqueueing,
      clockSet,
      freeing,
      claiming,
      fitting,
      limiting,
      rules,
      pruning,
      settling,
      admin,
    ]
      .map((part) => part(schema))
      .join(''),
}

const tables = (s: string): string => /* sql */ `
create table ${s}.jobs (
  seq bigint not null,
  run_at timestamptz not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  last_attempt_at timestamptz,
  -- The one that ended it.
  claim bigint,
  priority integer not null,
  attempts_done integer not null default 0,
  crashes integer not null default 0,
  id text collate "C" primary key,
  kind text collate "C" not null,
  status text collate "C" not null default 'PENDING',
  key text collate "C",
  last_error text,
  payload json not null,
  result json
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.1);
-- For prune_jobs alone: it costs next to nothing, and needn't find single rows.
create index jobs_updated on ${s}.jobs using brin (updated_at) with (pages_per_range = 32, autosummarize = on);
-- In the order of enqueueing: the number of the call, then the place in it.
create sequence ${s}.job_seq;

-- What a claim has to know of some jobs before it takes them.
create type ${s}.job_note as (
  -- Of the payload.
  bytes integer,
  crashes integer,
  -- Of a freed job: under which it was held, and since when.
  claim bigint,
  since timestamptz
);
create table ${s}.jobs_waiting (
  seq bigint not null,
  run_at timestamptz not null,
  priority integer not null,
  due boolean not null,
  kind text collate "C" not null,
  id text collate "C" not null,
  key text collate "C",
  -- Of those with a large payload, and of those that crashed. Of all others null, which takes no room.
  note ${s}.job_note,
  -- Of those that run again after a delay, which counts from then.
  delayed_since timestamptz
) with (autovacuum_vacuum_scale_factor = 0.02);
create index jobs_waiting_due on ${s}.jobs_waiting (kind, priority desc, run_at, seq) where due;
create index jobs_waiting_by_key on ${s}.jobs_waiting (kind, key, priority desc, run_at, seq)
  where due and key is not null;
create index jobs_waiting_later on ${s}.jobs_waiting (run_at, seq) where not due;
create index jobs_waiting_delayed on ${s}.jobs_waiting (delayed_since) where not due and delayed_since is not null;

create sequence ${s}.job_claim_numbers;
create table ${s}.job_claims (
  claim bigint primary key,
  claimed_at timestamptz not null,
  expires_at timestamptz not null,
  -- In ms, from when it was last renewed.
  lease float8 not null,
  -- When it was first seen that it ran out.
  suspect_since timestamptz,
  -- The process that claimed.
  holder integer,
  ids text[] not null,
  -- Of each of ids. A job of the same id that was enqueued later isn't the one that is held.
  seqs bigint[] not null
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
-- Written once and soon deleted: to compress them costs more than it saves.
alter table ${s}.job_claims alter ids set storage external, alter seqs set storage external;
`

/**
 * Lists may be short: the first kind stands for those left out, the rest is as if not given. Returns null, or the ids
 * that are there already as a JSON list; nothing is stored then.
 */
const enqueueing = (s: string): string => /* sql */ `
create function ${s}.enqueue_jobs(
  p_ids text[], p_kinds text[], p_payloads text[], p_run_ats float8[], p_priorities integer[], p_keys text[],
  p_bytes integer[], p_now float8, p_channel text, p_notice text
) returns text language plpgsql ${PINNED} as $$
declare
  v_now timestamptz := ${s}.store_time(p_now);
  v_seq bigint := nextval('${s.replaceAll("'", "''")}.job_seq') * 1048576;
begin
  insert into ${s}.jobs (id, kind, payload, run_at, priority, key, created_at, updated_at, seq)
    select id, coalesce(kind, p_kinds[1]), payload::json, greatest(v_now, to_timestamp(run_at / 1000.0)),
      coalesce(priority, 0), key, v_now, v_now, v_seq + place
    from unnest(p_ids, p_kinds, p_payloads, p_run_ats, p_priorities, p_keys) with ordinality
      as given (id, kind, payload, run_at, priority, key, place);
  insert into ${s}.jobs_waiting (id, kind, run_at, due, priority, key, seq, note)
    select id, coalesce(kind, p_kinds[1]), greatest(v_now, to_timestamp(run_at / 1000.0)),
      coalesce(to_timestamp(run_at / 1000.0) <= v_now, true), coalesce(priority, 0), key, v_seq + place,
      case when bytes is not null then row(bytes, 0, null, null)::${s}.job_note end
    from unnest(p_ids, p_kinds, p_run_ats, p_priorities, p_keys, p_bytes) with ordinality
      as given (id, kind, run_at, priority, key, bytes, place);
  -- What comes with a priority may lie before the mark of a backlog.
  if p_priorities is not null and exists (select from ${s}.job_backlogs) then
    insert into ${s}.job_openings (kind, key)
      select distinct b.kind, given.key from unnest(p_kinds, p_keys) as given (kind, key)
      join ${s}.job_backlogs as b on b.kind = coalesce(given.kind, p_kinds[1]) where given.key is not null;
  end if;
  if p_channel is not null then perform pg_notify(p_channel, p_notice); end if;
  return null;
exception when unique_violation then
  -- Such a transaction sees none that was stored since it began.
  if current_setting('transaction_isolation') in ('repeatable read', 'serializable') then
    return ${s}.taken_ids(p_ids);
  end if;
  return (
    select coalesce(json_agg(id), '[]')::text from (
      select id from ${s}.jobs where id = any (p_ids)
      union select id from unnest(p_ids) as id group by id having count(*) > 1
    ) as taken
  );
end $$;

-- Those that can't be stored, whatever this transaction's snapshot shows: each is tried, and all of that undone.
create function ${s}.taken_ids(p_ids text[]) returns text language plpgsql ${PINNED} as $$
declare
  v_id text;
  v_taken text[] := '{}';
begin
  foreach v_id in array p_ids loop
    begin
      insert into ${s}.jobs (id, kind, payload, run_at, priority, created_at, updated_at, seq)
        values (v_id, '', 'null', now(), 0, now(), now(), 0);
    exception when unique_violation then
      v_taken := v_taken || v_id;
    end;
  end loop;
  raise exception sqlstate 'RU000';
exception when sqlstate 'RU000' then
  return (select coalesce(json_agg(distinct id), '[]')::text from unnest(v_taken) as id);
end $$;
`
