import { BY_HASH, BY_INDEX, lookedUp } from '../plan-settings.ts'
import { jobsChannel } from './channel.ts'
import { LINK } from './links.ts'

/** How many dependents of a job that fails end with it, in the same transaction. Workers end others later, as many at a time. */
export const ENDED_AT_ONCE = 1_000
/** How many failed jobs with more dependents are looked after at a time. */
const FAILURES = 100

/**
 * Jobs that run after others.
 *
 * - `job_dependencies` has a row for each job that another runs after, until that one has ended, so that retention leaves it.
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
-- are let go, or end too. Returns dependencies that don't exist; then nothing is done.
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
  update ${s}.jobs set links = coalesce(links, 0) | ${LINK.dependents}
    where id = any (v_dependencies) and coalesce(links, 0) & ${LINK.dependents} = 0;
  with edges as (
    insert into ${s}.job_dependencies (dependency, dependent, on_end, satisfied)
      select d.id, j.id, j.links & ${LINK.onEnd} > 0, d.status = 'DONE' or (j.links & ${LINK.onEnd} > 0 and d.status <> 'PENDING')
      from ${s}.jobs as j
      cross join lateral unnest(j.after) as given (dependency)
      join ${s}.jobs as d on ${lookedUp('d.id', 'given.dependency')}
      where j.id = any (p_ids)
    returning dependent, dependency, on_end, satisfied
  ), blocked as (
    insert into ${s}.jobs_blocked (id, seq, kind, waits, delayed_since)
      select j.id, j.seq, j.kind, waiting.waits, case when j.run_at > p_now and j.links & ${LINK.delayed} > 0 then p_now end
      from (select dependent, count(*) filter (where not satisfied)::integer as waits from edges group by dependent) as waiting
      join ${s}.jobs as j on ${lookedUp('j.id', 'waiting.dependent')}
    returning id, waits
  ) select array(select id from blocked where waits = 0),
      array(select distinct dependency from edges where not satisfied and not on_end)
    into v_free, v_failed;
  if v_free <> '{}' then perform ${s}.unblock_jobs(v_free, p_now); end if;
  select array_agg(j.id order by j.id), array_agg(coalesce(b.failed_by, j.id) order by j.id) into v_failed, v_roots
    from ${s}.jobs as j left join ${s}.jobs_blocked as b on ${lookedUp('b.id', 'j.id')}
    where j.id = any (v_failed) and j.status in ('FAILED', 'PANIC');
  if v_failed is not null then perform ${s}.fail_dependents(v_failed, v_roots, p_now); end if;
  return null;
end $$;

-- Of jobs that have failed, keeps the rows of those that were cancelled while they waited for others, for a retry. Returns the others.
create function ${s}.cancel_blocked_jobs(p_ids text[]) returns text[] language plpgsql ${BY_INDEX} as $$
declare
  v_blocked text[];
begin
  with blocked as (
    update ${s}.jobs_blocked set failed_by = id where id = any (p_ids) and failed_by is null returning id
  ) select array_agg(id) into v_blocked from blocked;
  if v_blocked is null then return p_ids; end if;
  return array(select unnest(p_ids) except select unnest(v_blocked));
end $$;

-- Of jobs that have ended after all their dependencies.
create function ${s}.forget_dependencies(p_ids text[]) returns void language plpgsql ${BY_INDEX} as $$
begin
  delete from ${s}.job_dependencies as d using ${s}.jobs as j
    where j.id = any (p_ids) and d.dependency = any (j.after) and d.dependent = j.id;
end $$;

-- Those that run after jobs that are DONE or, on any end, have failed wait for fewer; those that wait for no other are let go.
create function ${s}.satisfy_dependents(p_done text[], p_failed text[], p_now timestamptz)
returns void language plpgsql ${BY_INDEX} as $$
declare
  v_dependents text[];
  v_counts integer[];
  v_free text[];
  v_since timestamptz[];
begin
  with satisfied as (
    update ${s}.job_dependencies set satisfied = true
      where dependency = any (p_done || p_failed) and not satisfied and (on_end or dependency <> all (p_failed))
      returning dependent
  ) select array_agg(dependent), array_agg(count) into v_dependents, v_counts
    from (select dependent, count(*)::integer as count from satisfied group by dependent) as counted;
  if v_dependents is null then return; end if;
  -- Two transactions that end jobs with the same dependents lock these in the same order.
  perform from ${s}.jobs_blocked where id = any (v_dependents) order by id for update;
  with given as (
    select * from unnest(v_dependents, v_counts) as given (id, count)
  ), fewer as (
    update ${s}.jobs_blocked as b set waits = b.waits - given.count from given
      where ${lookedUp('b.id', 'given.id')} and (b.waits > given.count or b.failed_by is not null)
  ), free as (
    delete from ${s}.jobs_blocked as b using given
      where ${lookedUp('b.id', 'given.id')} and b.waits = given.count and b.failed_by is null
      returning b.id, b.delayed_since
  ) select array_agg(id), array_agg(delayed_since) into v_free, v_since from free;
  if v_free is not null then perform ${s}.let_go(v_free, v_since, p_now); end if;
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
  perform ${s}.let_go(v_ids, v_since, p_now);
end $$;

-- Lets jobs wait in jobs_waiting as if they had been enqueued now, and wakes workers. p_since has when their delays began.
create function ${s}.let_go(p_ids text[], p_since timestamptz[], p_now timestamptz) returns void
language plpgsql ${BY_INDEX} as $$
declare
  v_counts text;
begin
  with gone as (
    select * from unnest(p_ids, p_since) as gone (id, delayed_since)
  ), free as (
    update ${s}.jobs as j
      -- A delay doesn't become longer because the clock was set back.
      set run_at = greatest(p_now, j.run_at - greatest(interval '0', gone.delayed_since - p_now))
      from gone where ${lookedUp('j.id', 'gone.id')} and j.status = 'PENDING'
      returning j.*, gone.delayed_since
  ), waiting as (
    insert into ${s}.jobs_waiting (id, kind, run_at, due, priority, key, seq, note, delayed_since)
      select id, kind, run_at, run_at <= p_now, priority, key, seq, ${s}.note_of_unclaimed(payload, unique_key, links),
        case when run_at > p_now then least(delayed_since, p_now) end
      from free order by seq
      returning kind, due
  ) select json_agg(json_build_array(due.kind, due.count, 0))::text into v_counts
    from (select kind, count(*) from waiting where due group by kind) as due;
  -- Jobs with a priority may lie before the mark of a backlog.
  if exists (select from ${s}.job_backlogs) then
    insert into ${s}.job_unblocked_keys (kind, key)
      select distinct j.kind, j.key from ${s}.jobs as j join ${s}.job_backlogs as b using (kind)
      where j.id = any (p_ids) and j.key is not null;
  end if;
  if v_counts is not null then
    perform pg_notify(${jobsChannel(s)}, case when octet_length(v_counts) <= 1000 then v_counts else '' end);
  end if;
end $$;

-- Ends the jobs that wait for p_ids[n], which has failed, to be DONE, and those that wait for these: with p_roots[n] as the job that
-- failed first.
create function ${s}.fail_dependents(p_ids text[], p_roots text[], p_now timestamptz)
returns void language plpgsql ${BY_HASH} as $$
declare
  v_ids text[] := p_ids;
  v_roots text[] := p_roots;
  v_next text[];
  v_next_roots text[];
  v_left integer := ${ENDED_AT_ONCE};
begin
  loop
    select array_agg(next.id order by next.id), array_agg(next.root order by next.id) into v_next, v_next_roots from (
      select d.dependent as id, min(given.root) as root
      from unnest(v_ids, v_roots) as given (id, root)
      join ${s}.job_dependencies as d on ${lookedUp('d.dependency', 'given.id')} and not d.on_end
      join ${s}.jobs_blocked as b on ${lookedUp('b.id', 'd.dependent')} and b.failed_by is null
      group by d.dependent order by d.dependent limit v_left + 1
    ) as next;
    exit when v_next is null;
    if cardinality(v_next) > v_left then
      insert into ${s}.job_cascades (id, root) select * from unnest(v_ids, v_roots) on conflict do nothing;
      exit when v_left = 0;
      v_next := v_next[1:v_left];
      v_next_roots := v_next_roots[1:v_left];
    end if;
    v_left := v_left - cardinality(v_next);
    perform from ${s}.jobs_blocked where id = any (v_next) order by id for update;
    with failed as (
      update ${s}.jobs_blocked as b set failed_by = given.root from unnest(v_next, v_next_roots) as given (id, root)
        where ${lookedUp('b.id', 'given.id')} and b.failed_by is null returning b.id, b.failed_by
    ), ended as (
      update ${s}.jobs as j set status = 'FAILED', last_error = 'dependency ' || failed.failed_by || ' failed', updated_at = p_now
        from failed where ${lookedUp('j.id', 'failed.id')} and j.status = 'PENDING'
        returning j.id, failed.failed_by as root
    ) select coalesce(array_agg(id order by id), '{}'), coalesce(array_agg(root order by id), '{}') into v_ids, v_roots from ended;
    perform ${s}.record_failures(v_ids);
    perform ${s}.free_unique_keys(v_ids);
    perform ${s}.satisfy_dependents('{}', v_ids, p_now);
  end loop;
end $$;

-- Goes on where jobs had more dependents than end at once. Returns whether there are more.
create function ${s}.fail_more_dependents(p_now float8) returns boolean language plpgsql ${BY_HASH} as $$
declare
  v_ids text[];
  v_roots text[];
begin
  if not exists (select from ${s}.job_cascades) then return false; end if;
  with taken as (
    delete from ${s}.job_cascades where id = any (array(
      select id from ${s}.job_cascades order by id limit ${FAILURES} for update skip locked
    )) returning id, root
  -- One that was retried meanwhile has no failed dependents.
  ) select array_agg(taken.id), array_agg(taken.root) into v_ids, v_roots
    from taken join ${s}.jobs as j on ${lookedUp('j.id', 'taken.id')} where j.status in ('FAILED', 'PANIC');
  if v_ids is not null then perform ${s}.fail_dependents(v_ids, v_roots, ${s}.store_time(p_now)); end if;
  return exists (select from ${s}.job_cascades);
end $$;

-- Revives the jobs that ended because one of p_ids had failed, which is PENDING again; not those with another failed dependency, or whose
-- unique key another job holds.
create function ${s}.revive_dependents(p_ids text[], p_now timestamptz) returns void language plpgsql ${BY_HASH} as $$
declare
  v_ids text[] := p_ids;
begin
  delete from ${s}.job_cascades where id = any (p_ids);
  while v_ids <> '{}' loop
    v_ids := array(
      select distinct d.dependent from unnest(v_ids) as given (id)
      join ${s}.job_dependencies as d on ${lookedUp('d.dependency', 'given.id')} and not d.on_end
      join ${s}.jobs_blocked as b on ${lookedUp('b.id', 'd.dependent')} and b.failed_by <> b.id
      order by d.dependent
    );
    perform from ${s}.jobs_blocked where id = any (v_ids) order by id for update;
    v_ids := array(
      select given.id from unnest(v_ids) as given (id) where not exists (
        select from ${s}.jobs as dependent, ${s}.jobs as j
        where ${lookedUp('dependent.id', 'given.id')} and j.id = any (dependent.after) and j.status in ('FAILED', 'PANIC'))
    );
    v_ids := array(select unnest(v_ids) except select unnest(${s}.retake_unique_keys(v_ids)));
    with revived as (
      update ${s}.jobs_blocked as b set failed_by = null from unnest(v_ids) as given (id)
        where ${lookedUp('b.id', 'given.id')} and b.failed_by is not null returning b.id
    ), listed as (
      delete from ${s}.job_failures as f using revived where ${lookedUp('f.id', 'revived.id')}
    ) update ${s}.jobs as j set status = 'PENDING', last_error = null, updated_at = p_now
      from revived where ${lookedUp('j.id', 'revived.id')};
  end loop;
end $$;

-- First of all locks: then come those of the jobs.
create function ${s}.lock_blocked_jobs(p_ids text[]) returns void language plpgsql ${BY_INDEX} as $$
begin
  if not exists (select from ${s}.jobs_blocked) then return; end if;
  perform from ${s}.jobs_blocked where id = any (p_ids) order by id for update;
end $$;

create function ${s}.is_blocked(p_id text) returns boolean language plpgsql stable ${BY_INDEX} as $$
begin
  return exists (select from ${s}.jobs_blocked where id = p_id and failed_by is null);
end $$;

-- Whether no dependency of a failed job stands in the way.
create function ${s}.can_be_retried(p_id text) returns boolean language plpgsql stable ${BY_INDEX} as $$
begin
  return not exists (
    select from ${s}.jobs_blocked as b where b.id = p_id and (b.failed_by <> b.id or exists (
      select from ${s}.job_dependencies as d join ${s}.jobs as j on ${lookedUp('j.id', 'd.dependency')}
      where d.dependency = any (array(select unnest(o.after) from ${s}.jobs as o where o.id = p_id)) and d.dependent = p_id
        and not d.satisfied and j.status <> 'PENDING'
    ))
  );
end $$;

-- Of jobs that were cancelled while they waited for others, and are retried. Returns those that still have to wait.
create function ${s}.reopen_blocked_jobs(p_ids text[]) returns text[] language plpgsql ${BY_INDEX} as $$
declare
  v_ids text[];
begin
  with open as (
    update ${s}.jobs_blocked set failed_by = null where id = any (p_ids) and waits > 0 returning id
  ) select coalesce(array_agg(id), '{}') into v_ids from open;
  delete from ${s}.jobs_blocked where id = any (p_ids) and waits = 0;
  return v_ids;
end $$;

-- How many jobs of each kind wait for others, counted up to p_most: an index lookup for each kind.
create function ${s}.blocked_kinds(p_most integer) returns table (kind text, jobs bigint) language plpgsql stable ${BY_INDEX} as $$
begin
  select b.kind into kind from ${s}.jobs_blocked as b where b.failed_by is null order by b.kind limit 1;
  while kind is not null loop
    select count(*) into jobs from (
      select from ${s}.jobs_blocked as b where b.failed_by is null and b.kind = blocked_kinds.kind limit p_most
    ) as counted;
    return next;
    select (
      select b.kind from ${s}.jobs_blocked as b where b.failed_by is null and b.kind > blocked_kinds.kind order by b.kind limit 1
    ) into kind;
  end loop;
end $$;

-- Whether a job that runs after this one hasn't ended.
create function ${s}.is_needed(p_id text) returns boolean language plpgsql stable ${BY_INDEX} as $$
begin
  return exists (
    select from ${s}.job_dependencies as d join ${s}.jobs as j on ${lookedUp('j.id', 'd.dependent')}
    where d.dependency = p_id and j.status = 'PENDING'
  );
end $$;

-- Jobs that are no longer stored, whose after is given by position.
create function ${s}.remove_dependencies(p_ids text[]) returns void language plpgsql ${BY_INDEX} as $$
begin
  delete from ${s}.job_dependencies where dependency = any (p_ids);
  delete from ${s}.job_dependencies as d using unnest(p_ids) as given (id), ${s}.jobs as j
    where ${lookedUp('j.id', 'given.id')} and d.dependency = any (j.after) and d.dependent = j.id;
  delete from ${s}.jobs_blocked where id = any (p_ids);
  delete from ${s}.job_cascades where id = any (p_ids);
end $$;
`
