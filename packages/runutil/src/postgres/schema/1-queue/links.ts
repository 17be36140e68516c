import { BY_INDEX } from '../plan-settings.ts'

/** Bits of jobs.links: what else is to be done when a job ends. */
export const LINK = {
  /** It has a row in job_unique. */
  unique: 1,
  /** Others have it among their dependencies. */
  dependents: 2,
  /** Its unique key is held until its first claim, not until its end. */
  uniqueUntilStarted: 4,
  /** It has others among its dependencies. */
  after: 8,
  /** Any end of them will do. */
  onEnd: 16,
  /** While it waits for them, its delay goes on. */
  delayed: 32,
} as const

/** What jobs have to do with others: few have any of it, and those that have none don't pay for it. */
export const links = (s: string): string => /* sql */ `
-- Called in the transaction in which jobs that have links end.
create function ${s}.end_linked_jobs(p_ids text[], p_now timestamptz) returns void language plpgsql ${BY_INDEX} as $$
declare
  v_ended record;
begin
  select array_agg(id) filter (where links & ${LINK.unique} <> 0) as unique,
      array_agg(id) filter (where links & ${LINK.after} <> 0 and status <> 'DONE') as failed_dependents,
      coalesce(array_agg(id) filter (where links & ${LINK.dependents} <> 0 and status = 'DONE'), '{}') as done,
      coalesce(array_agg(id) filter (where links & ${LINK.dependents} <> 0 and status <> 'DONE'), '{}') as failed
    into v_ended from ${s}.jobs where id = any (p_ids);
  if v_ended.unique is not null then perform ${s}.free_unique_keys(v_ended.unique); end if;
  if v_ended.failed_dependents is not null then perform ${s}.cancel_blocked_jobs(v_ended.failed_dependents); end if;
  if v_ended.done <> '{}' or v_ended.failed <> '{}' then
    perform ${s}.satisfy_dependents(v_ended.done, v_ended.failed, p_now);
  end if;
  if v_ended.failed <> '{}' then perform ${s}.fail_dependents(v_ended.failed, v_ended.failed, p_now); end if;
end $$;

-- The same where all of them are DONE, by what links they have.
create function ${s}.end_done_jobs(p_ids text[], p_links smallint[], p_now timestamptz) returns void
language plpgsql ${BY_INDEX} as $$
declare
  v_unique text[];
  v_done text[];
begin
  select array_agg(id) filter (where links & ${LINK.unique} <> 0), array_agg(id) filter (where links & ${LINK.dependents} <> 0)
    into v_unique, v_done from unnest(p_ids, p_links) as given (id, links);
  if v_unique is not null then perform ${s}.free_unique_keys(v_unique); end if;
  if v_done is not null then perform ${s}.satisfy_dependents(v_done, '{}', p_now); end if;
end $$;
`
