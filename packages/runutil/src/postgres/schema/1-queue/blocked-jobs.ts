import { BY_INDEX, asFilter, lookedUp } from '../plan-settings.ts'

/** What the rest of the queue asks of jobs that run after others, and does with them. See `dependencies`. */
export const blockedJobs = (s: string): string => /* sql */ `
-- First of all locks: then come those of the jobs.
create function ${s}.lock_blocked_jobs(p_ids text[]) returns void language plpgsql ${BY_INDEX} as $$
begin
  if not exists (select from ${s}.jobs_blocked) then return; end if;
  perform from ${s}.jobs_blocked where id = any (p_ids) order by id for update;
end $$;

create function ${s}.is_blocked(p_id text) returns boolean language plpgsql stable ${BY_INDEX} as $$
begin
  return exists (select from ${s}.jobs_blocked where id = p_id and ${asFilter('failed_by is null')});
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
    select from ${s}.job_dependencies as d
    cross join lateral (select from ${s}.jobs as o where o.id = d.dependent and o.status = 'PENDING' offset 0) as j
    where d.dependency = p_id
  );
end $$;

-- Of jobs that are about to be removed.
create function ${s}.remove_dependencies(p_ids text[]) returns void language plpgsql ${BY_INDEX} as $$
begin
  delete from ${s}.job_dependencies where dependency = any (p_ids);
  delete from ${s}.job_dependencies as d
    using unnest(p_ids) as given (id)
    cross join lateral (
      select before.id as dependency from ${s}.jobs as o, unnest(o.after) as before (id) where o.id = given.id offset 0
    ) as j
    where ${lookedUp('d.dependency', 'j.dependency')} and ${lookedUp('d.dependent', 'given.id')};
  delete from ${s}.jobs_blocked where id = any (p_ids);
  delete from ${s}.job_cascades where id = any (p_ids);
end $$;
`
