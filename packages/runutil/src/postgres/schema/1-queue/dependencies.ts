import { BY_HASH, BY_INDEX, asFilter, lookedUp } from '../plan-settings.ts'
import { jobsChannel } from './channel.ts'
import { LINK } from './links.ts'
import { RUN } from './runs.ts'

/**
 * Jobs that run after others.
 *
 * - `job_dependencies` has a row for each job that another runs after, so that retention leaves it until that one has ended. It
 *   goes with either of them: taking it away at the end of one would cost more than keeping it.
 * - `jobs_blocked` has a row for each job that waits for others, and none in `jobs_waiting`. The row stays when the job ends while
 *   it waits, with `failed_by`, so that a retry can revive it.
 *
 * Locks are taken in the direction of the dependencies, so that there is no deadlock: a job, then those that run after it, and of
 * each of these the row in `jobs_blocked` first.
 */
export const dependencies = (s: string): string => /* sql */ `
create table ${s}.job_dependencies (
  dependency text collate "C" not null,
  dependent text collate "C" not null,
  -- Whether any end of the dependency will do.
  on_end boolean not null,
  -- Whether the dependent waits no longer for one that isn't DONE. One that is DONE satisfies all, without a mark on each.
  satisfied boolean not null,
  primary key (dependency, dependent)
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02);
create table ${s}.jobs_blocked (
  id text collate "C" primary key,
  seq bigint not null,
  kind text collate "C" not null,
  -- How many dependencies it waits for, failed ones too.
  waits integer not null,
  -- Why it ended while it waited: the job that failed first, or itself when it was cancelled. Null while it hasn't ended.
  failed_by text collate "C",
  delayed_since timestamptz
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02);
create index jobs_blocked_newest on ${s}.jobs_blocked (seq) where failed_by is null;
create index jobs_blocked_by_kind on ${s}.jobs_blocked (kind) where failed_by is null;
-- Failed jobs whose dependents haven't all ended yet.
create table ${s}.job_cascades (id text collate "C" primary key, root text collate "C" not null);

-- Blocks jobs that were stored in this transaction with dependencies, and aren't in jobs_waiting. Those whose dependencies have ended
-- are unblocked, or end too. Returns dependencies that don't exist; then nothing is done.
create function ${s}.block_jobs(p_ids text[], p_now timestamptz) returns text[] language plpgsql ${BY_HASH} as $$
declare
  v_dependencies text[] := array(
    select distinct given.dependency from ${s}.jobs as j, unnest(j.after) as given (dependency) where j.id = any (p_ids)
  );
  v_known text[];
  v_free text[];
  v_failed text[];
  v_roots text[];
begin
  -- So that none of them ends meanwhile without regard to its dependents.
  v_known := array(
    select locked.id from (select id from ${s}.jobs where id = any (v_dependencies) order by id for update) as locked
  );
  if cardinality(v_known) < cardinality(v_dependencies) then
    return array(select id from unnest(v_dependencies) as given (id) where id not in (select unnest(v_known)));
  end if;
  -- Changed even where nothing is new: a repeatable read transaction that ends one doesn't see its new dependents, and has to be repeated.
  update ${s}.jobs set links = coalesce(links, 0) | ${LINK.dependents}
    where id = any (v_dependencies) and (coalesce(links, 0) & ${LINK.dependents} = 0 or status = 'PENDING');
  with edges as (
    insert into ${s}.job_dependencies (dependency, dependent, on_end, satisfied)
      select d.id, j.id, j.links & ${LINK.onEnd} > 0, d.status = 'DONE' or (j.links & ${LINK.onEnd} > 0 and d.status <> 'PENDING')
      from ${s}.jobs as j
      cross join lateral unnest(j.after) as given (dependency)
      cross join lateral (select o.id, o.status from ${s}.jobs as o where o.id = given.dependency offset 0) as d
      where j.id = any (p_ids)
    returning dependent, dependency, on_end, satisfied
  ), blocked as (
    insert into ${s}.jobs_blocked (id, seq, kind, waits, delayed_since)
      select j.id, j.seq, j.kind, waiting.waits, case when j.run_at > p_now and j.links & ${LINK.delayed} > 0 then p_now end
      from (select dependent, count(*) filter (where not satisfied)::integer as waits from edges group by dependent) as waiting
      cross join lateral (select * from ${s}.jobs as o where o.id = waiting.dependent offset 0) as j
    returning id, waits
  ) select array(select id from blocked where waits = 0),
      array(select distinct dependency from edges where not satisfied and not on_end)
    into v_free, v_failed;
  if v_free <> '{}' then perform ${s}.unblock_jobs(v_free, p_now); end if;
  select array_agg(j.id order by j.id), array_agg(coalesce(b.failed_by, j.id) order by j.id) into v_failed, v_roots
    from ${s}.jobs as j left join lateral (select o.failed_by from ${s}.jobs_blocked as o where o.id = j.id offset 0) as b on true
    where j.id = any (v_failed) and j.status in ('FAILED', 'PANIC');
  if v_failed is not null then perform ${s}.fail_dependents(v_failed, v_roots, p_now); end if;
  return null;
end $$;

-- Those that run after jobs that are DONE or, on any end, have failed wait for fewer; those that wait for no other are unblocked.
create function ${s}.satisfy_dependents(p_done text[], p_failed text[], p_now timestamptz)
returns void language plpgsql ${BY_INDEX} as $$
declare
  v_dependents text[];
  v_counts integer[];
  v_count integer;
  v_some text[];
  v_free text[] := '{}';
  v_since timestamptz[] := '{}';
begin
  with failed as (
    update ${s}.job_dependencies set satisfied = true where dependency = any (p_failed) and not satisfied and on_end
      returning dependent
  ) select array_agg(dependent order by dependent), array_agg(count order by dependent) into v_dependents, v_counts from (
      select dependent, count(*)::integer as count from (
        select dependent from failed
        union all select dependent from ${s}.job_dependencies where dependency = any (p_done) and not satisfied
      ) as satisfied group by dependent
    ) as counted;
  if v_dependents is null then return; end if;
  -- Two transactions that end jobs with the same dependents lock these in the same order.
  perform from ${s}.jobs_blocked where id = any (v_dependents) order by id for update;
  -- Nearly always all of them wait for one fewer. By lists alone, which are looked up whatever the plan was made for.
  foreach v_count in array array(select distinct unnest(v_counts)) loop
    v_some := array(select given.id from unnest(v_dependents, v_counts) as given (id, count) where given.count = v_count);
    with free as (
      delete from ${s}.jobs_blocked where id = any (v_some) and waits = v_count and ${asFilter('failed_by is null')} returning id, delayed_since
    ) select v_free || array_agg(id), v_since || array_agg(delayed_since) into v_free, v_since from free;
    if cardinality(v_free) < cardinality(v_dependents) then
      update ${s}.jobs_blocked set waits = waits - v_count where id = any (v_some);
    end if;
  end loop;
  if v_free <> '{}' then perform ${s}.queue_unblocked_jobs(v_free, v_since, p_now); end if;
end $$;

-- Of jobs that wait for no other.
create function ${s}.unblock_jobs(p_ids text[], p_now timestamptz) returns void language plpgsql ${BY_INDEX} as $$
declare
  v_ids text[];
  v_since timestamptz[];
begin
  with gone as (
    delete from ${s}.jobs_blocked where id = any (p_ids) returning id, delayed_since
  ) select array_agg(id), array_agg(delayed_since) into v_ids, v_since from gone;
  perform ${s}.queue_unblocked_jobs(v_ids, v_since, p_now);
end $$;

-- Lets jobs wait in jobs_waiting as if they had been enqueued now, and wakes workers. p_since has when their delays began. Where many
-- of one kind that differ in nothing that a claim looks at follow each other, they wait in runs.
create function ${s}.queue_unblocked_jobs(p_ids text[], p_since timestamptz[], p_now timestamptz) returns void
language plpgsql ${BY_INDEX} as $$
declare
  v_limited text[];
  v_counts text;
begin
  -- A statement of its own, since until the transaction ends nobody can set the first limit of a kind.
  if cardinality(p_ids) >= ${RUN} then v_limited := array(select l.kind from ${s}.job_limits as l); end if;
  with gone as (
    -- In one order, as others do that lock several jobs.
    select * from unnest(p_ids, p_since) as gone (id, delayed_since) order by gone.id collate "C"
  ), free as (
    update ${s}.jobs as j
      -- A delay doesn't become longer because the clock was set back.
      set run_at = greatest(p_now, j.run_at - greatest(interval '0', gone.delayed_since - p_now))
      from gone where ${lookedUp('j.id', 'gone.id')} and j.status = 'PENDING'
      returning j.ctid as tid, j.id, j.kind, j.run_at, j.priority, j.key, j.seq, ${s}.note_of_unclaimed(j.payload, j.unique_key, j.links) as note,
        j.run_at <= p_now as due, case when j.run_at > p_now then least(gone.delayed_since, p_now) end as delayed_since
  ), alike as (
    select f.*, row_number() over each_run - 1 as nth, f.fits and count(*) over (partition by kind, priority, fits, apart) >= ${RUN} as in_run
    from (
      -- The same for those that follow each other in the order of claims.
      select o.*, row_number() over (partition by priority, due order by seq)
          - row_number() over (partition by priority, due, kind, fits order by seq) as apart
      from (select *, due and key is null and note is null and kind <> all (v_limited) is true as fits from free) as o
    ) as f window each_run as (partition by kind, priority, fits, apart order by seq)
  ), runs as (
    insert into ${s}.jobs_waiting (kind, run_at, due, priority, seq, id, ids, tids, seqs)
      select kind, p_now, true, priority, min(seq), (array_agg(id order by seq))[1], array_agg(id order by seq),
        array_agg(tid order by seq), array_agg(seq order by seq)
      from alike where in_run group by kind, priority, apart, nth / ${RUN}
  ), singles as (
    insert into ${s}.jobs_waiting (id, kind, run_at, due, priority, key, seq, note, delayed_since)
      select id, kind, run_at, due, priority, key, seq, note, delayed_since from alike where not in_run order by seq
  ) select json_agg(json_build_array(due.kind, due.count, 0))::text into v_counts
    from (select kind, count(*) from alike where due group by kind) as due;
  -- Jobs with a priority may lie before the mark of a backlog.
  if exists (select from ${s}.job_backlogs) then
    perform ${s}.unmark_backlogs(array_agg(kind), array_agg(key), array_agg(priority), p_now, array_agg(seq))
      from ${s}.jobs where id = any (p_ids);
  end if;
  if v_counts is not null then
    perform pg_notify(${jobsChannel(s)}, case when octet_length(v_counts) <= 1000 then v_counts else '' end);
  end if;
end $$;
`
