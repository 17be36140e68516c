import type { Migration } from '../migration.ts'
import { numbers } from '../numbers.ts'
import { storeTime } from '../store-time.ts'
import { admin } from './admin.ts'
import { blockedJobs } from './blocked-jobs.ts'
import { blockingLinked } from './blocking-linked.ts'
import { claiming } from './claiming.ts'
import { clockSet } from './clock-set.ts'
import { dependencies } from './dependencies.ts'
import { enqueueing } from './enqueueing.ts'
import { enqueueingLinked } from './enqueueing-linked.ts'
import { fitting } from './fitting.ts'
import { freeing } from './freeing.ts'
import { failedDependencies } from './failed-dependencies.ts'
import { failures } from './failures.ts'
import { jobQueryType } from './job-query-type.ts'
import { listing } from './listing.ts'
import { renewing } from './renewing.ts'
import { replacing } from './replacing.ts'
import { limiting } from './limiting.ts'
import { links } from './links.ts'
import { markedJobs } from './marked-jobs.ts'
import { operating } from './operating.ts'
import { pausing } from './pausing.ts'
import { pruning } from './pruning.ts'
import { rules } from './rules.ts'
import { runs } from './runs.ts'
import { stats } from './stats.ts'
import { settlingAndClaiming } from './settling-and-claiming.ts'
import { settlingByPlace } from './settling-by-place.ts'
import { settling } from './settling.ts'
import { sqlEnqueueing } from './sql-enqueueing.ts'
import { uniqueKeys } from './unique-keys.ts'

/**
 * Jobs, the queue of waiting ones, and the leases and limits of the others.
 *
 * - `jobs` has all columns of every job and, beside a BRIN index, one index, its ids. The end of a job changes no id, so it is
 *   a HOT update: no index grows. Hence the free half of each page.
 * - `jobs_waiting` has one short row for each job that no claim holds. A claim deletes the rows of its jobs; ended jobs have
 *   none, so that however many there are, a claim never reads them. It never scans rows that aren't `due`. Jobs that were
 *   enqueued or unblocked together share rows, which are runs.
 * - `job_failures` has a row for each job that is FAILED or PANIC.
 * - `job_claims` has one row for all jobs of a claim. A job that isn't PENDING, or isn't in `ids`, isn't held by it:
 *   that is the fence. A job that ends stays in `ids`; one that goes back to waiting leaves a null.
 * - `job_rules` has the rules of workers for their kinds, for as long as they renew them; the limits that result for claims
 *   are one row per kind, in `job_limits`.
 * - A claim of a limited kind locks the kind's row first, so that its counts stay true until it commits.
 * - `job_minutes` has what processes count of their attempts, and add once a minute.
 * - `job_backlogs` has a row for each kind whose first jobs wait for full keys, and `job_unblocked_keys` the keys of such kinds
 *   that may have room again: claims search those, and the jobs behind the backlog.
 */
export const queueMigration: Migration = {
  number: 1,
  name: 'queue',
  sql: (schema) =>
    [
      numbers,
      storeTime,
      tables,
      links,
      uniqueKeys,
      dependencies,
      failedDependencies,
      blockedJobs,
      enqueueing,
      enqueueingLinked,
      blockingLinked,
      replacing,
      clockSet,
      freeing,
      runs,
      pausing,
      markedJobs,
      claiming,
      fitting,
      limiting,
      rules,
      pruning,
      settling,
      settlingByPlace,
      settlingAndClaiming,
      renewing,
      operating,
      admin,
      jobQueryType,
      failures,
      listing,
      stats,
      sqlEnqueueing,
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
  -- The claim that ended the job.
  claim bigint,
  priority integer not null,
  attempts_done integer not null default 0,
  crashes integer not null default 0,
  -- Of attempts_done, those that a stop ended. Null for none.
  uncounted integer,
  -- What else has to be done when the job ends, as bits of LINK in links.ts. Null for nothing, as for nearly all jobs.
  links smallint,
  id text collate "C" primary key,
  kind text collate "C" not null,
  status text collate "C" not null default 'PENDING',
  key text collate "C",
  -- The unique key that it was enqueued with, whether it still holds that or not.
  unique_key text collate "C",
  last_error text,
  -- The last errors, oldest first: at, in ms since the epoch, attempt and message. Null for none.
  errors json,
  -- The jobs that it runs after. Null for none.
  after text[],
  -- The W3C trace context of the span that sent it. Null for none, as for nearly all jobs.
  traceparent text,
  payload json not null,
  result json
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.1);
-- For prune_jobs and find_jobs. Nearly free, since it has ranges of blocks, not rows; a column that grows from row to row within a
-- call, or an expression, would not be.
create index jobs_updated on ${s}.jobs using brin (updated_at, created_at) with (pages_per_range = 32, autosummarize = on);
-- jobs.seq is in the order of enqueueing: the number of the call, then the index in it.
create sequence ${s}.job_seq;

-- What a claim has to know about some jobs before it takes them.
create type ${s}.job_note as (
  -- The size of the payload.
  bytes integer,
  crashes integer,
  -- For a freed job: the claim that held it, and since when.
  claim bigint,
  since timestamptz,
  -- To be given up when the job is claimed.
  unique_key text
);
create table ${s}.jobs_waiting (
  seq bigint not null,
  run_at timestamptz not null,
  priority integer not null,
  due boolean not null,
  kind text collate "C" not null,
  id text collate "C" not null,
  key text collate "C",
  -- For jobs with a large payload or crashes. Null, which takes no space, for all others.
  note ${s}.job_note,
  -- For a job that runs after a delay, also a retry: when the delay began.
  delayed_since timestamptz,
  -- Of a run: its jobs, and where they are in jobs, unless they have changed since; id and seq are those of the first.
  ids text[],
  tids tid[],
  -- Null where they have no gaps.
  seqs bigint[]
) with (autovacuum_vacuum_scale_factor = 0.02, toast_tuple_target = 8160);
-- Soon deleted: compression would cost more than it saves.
alter table ${s}.jobs_waiting alter ids set storage external, alter tids set storage external, alter seqs set storage external;
create index jobs_waiting_due on ${s}.jobs_waiting (kind, priority desc, run_at, seq) where due;
create index jobs_waiting_by_key on ${s}.jobs_waiting (kind, key, priority desc, run_at, seq)
  where due and key is not null;
create index jobs_waiting_later on ${s}.jobs_waiting (run_at, seq) where not due;
create index jobs_waiting_runs on ${s}.jobs_waiting (kind, priority desc, run_at, seq) where ids is not null;
create index jobs_waiting_delayed on ${s}.jobs_waiting (delayed_since) where not due and delayed_since is not null;

-- What handlers have reported; apart from jobs, so that a renewal never waits for a transaction that completes a job, nor makes
-- it fail. A row whose seq isn't that of the job is of an earlier job with the same id.
create table ${s}.job_progress (
  id text collate "C" primary key,
  seq bigint not null,
  -- done, total, note and at, in ms since the epoch.
  progress json not null
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02);

create sequence ${s}.job_claim_numbers;
create table ${s}.job_claims (
  claim bigint primary key,
  claimed_at timestamptz not null,
  expires_at timestamptz not null,
  -- In ms, from the last renewal.
  lease float8 not null,
  -- When it was first seen to have expired.
  suspect_since timestamptz,
  -- The claiming process.
  holder integer,
  -- Null for a job that has gone back to waiting: the place of a job never changes.
  ids text[] not null,
  -- One for each of ids: a job enqueued later under the same id isn't held.
  seqs bigint[] not null,
  -- Where the jobs are in jobs, unless they have changed since. Null for jobs that didn't come from runs.
  tids tid[]
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
-- Written once and soon deleted: compression would cost more than it saves.
alter table ${s}.job_claims alter ids set storage external, alter seqs set storage external,
  alter tids set storage external;
`
