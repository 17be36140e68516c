import { BY_HASH, BY_INDEX, asFilter } from '../plan-settings.ts'

/** How many dependents of a job that fails end with it, in the same transaction. Workers end others later, as many at a time. */
export const ENDED_AT_ONCE = 1_000
/** How many failed jobs with more dependents are looked after at a time. */
const FAILURES = 100

/** What becomes of jobs that wait for one that has failed, and of them when it is retried. See `dependencies`. */
export const failedDependencies = (s: string): string => /* sql */ `
-- Of jobs that have failed, those that were cancelled while they waited for others.
create function ${s}.cancel_blocked_jobs(p_ids text[]) returns void language plpgsql ${BY_INDEX} as $$
begin
  update ${s}.jobs_blocked set failed_by = id where id = any (p_ids) and ${asFilter('failed_by is null')};
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
      cross join lateral (
        select o.dependent from ${s}.job_dependencies as o where o.dependency = given.id and not o.on_end offset 0
      ) as d
      cross join lateral (select from ${s}.jobs_blocked as o where o.id = d.dependent and ${asFilter('o.failed_by is null')} offset 0) as b
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
      update ${s}.jobs_blocked set failed_by = v_next_roots[array_position(v_next, id)]
        where id = any (v_next) and ${asFilter('failed_by is null')} returning id
    ) select array_agg(id) into v_ids from failed;
    with ended as (
      update ${s}.jobs set status = 'FAILED', updated_at = p_now,
          last_error = 'dependency ' || v_next_roots[array_position(v_next, id)] || ' failed'
        where id = any (v_ids) and status = 'PENDING' returning id
    ) select coalesce(array_agg(id order by id), '{}') into v_ids from ended;
    v_roots := array(
      select v_next_roots[array_position(v_next, given.id)] from unnest(v_ids) with ordinality as given (id, place)
      order by given.place
    );
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
  select array_agg(taken.id), array_agg(taken.root) into v_ids, v_roots from (
    select c.id, c.root from ${s}.job_cascades as c cross join lateral (
      -- Locked, so that it isn't retried meanwhile; one that is being retried keeps its dependents.
      select from ${s}.jobs as o where o.id = c.id and o.status in ('FAILED', 'PANIC') for update skip locked offset 0
    ) as j limit ${FAILURES}
  ) as taken;
  if v_ids is null then return false; end if;
  delete from ${s}.job_cascades where id = any (v_ids);
  perform ${s}.fail_dependents(v_ids, v_roots, ${s}.store_time(p_now));
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
      cross join lateral (
        select o.dependent from ${s}.job_dependencies as o where o.dependency = given.id and not o.on_end offset 0
      ) as d
      cross join lateral (select from ${s}.jobs_blocked as o where o.id = d.dependent and o.failed_by <> o.id offset 0) as b
      order by d.dependent
    );
    perform from ${s}.jobs_blocked where id = any (v_ids) order by id for update;
    v_ids := array(select given.id from unnest(v_ids) as given (id) where not ${s}.waits_for_failed(given.id));
    v_ids := array(select unnest(v_ids) except select unnest(${s}.retake_unique_keys(v_ids)));
    delete from ${s}.job_cascades where id = any (v_ids);
    update ${s}.jobs_blocked set failed_by = null where id = any (v_ids);
    delete from ${s}.job_failures where id = any (v_ids);
    update ${s}.jobs set status = 'PENDING', last_error = null, updated_at = p_now where id = any (v_ids);
  end loop;
end $$;

-- Whether a job that waits, or ended while it waited, waits for one that has failed. Of those that were removed since, it still waits for
-- those that had failed.
create function ${s}.waits_for_failed(p_id text) returns boolean language plpgsql stable ${BY_INDEX} as $$
begin
  return (
    select b.waits > (
      select count(*) from ${s}.job_dependencies as d
      cross join lateral (select from ${s}.jobs as o where o.id = d.dependency and o.status = 'PENDING' offset 0) as j
      where d.dependency = any (array(select unnest(o.after) from ${s}.jobs as o where o.id = p_id)) and d.dependent = p_id
        and not d.satisfied
    ) from ${s}.jobs_blocked as b where b.id = p_id
  );
end $$;

-- Whether no dependency of a failed job stands in the way.
create function ${s}.can_be_retried(p_id text) returns boolean language plpgsql stable ${BY_INDEX} as $$
begin
  return not exists (
    select from ${s}.jobs_blocked as b where b.id = p_id and (b.failed_by <> b.id or ${s}.waits_for_failed(b.id))
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
`
