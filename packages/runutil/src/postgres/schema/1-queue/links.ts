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
  v_dependents text[];
begin
  select array_agg(id) filter (where links & ${LINK.unique} <> 0) as unique,
      array_agg(id) filter (where links & ${LINK.after} <> 0 and status = 'DONE') as done_dependents,
      array_agg(id) filter (where links & ${LINK.after} <> 0 and status <> 'DONE') as failed_dependents,
      coalesce(array_agg(id) filter (where links & ${LINK.dependents} <> 0 and status = 'DONE'), '{}') as done,
      coalesce(array_agg(id) filter (where links & ${LINK.dependents} <> 0 and status <> 'DONE'), '{}') as failed
    into v_ended from ${s}.jobs where id = any (p_ids);
  if v_ended.unique is not null then perform ${s}.free_unique_keys(v_ended.unique); end if;
  v_dependents := v_ended.done_dependents;
  if v_ended.failed_dependents is not null then
    v_dependents := v_dependents || ${s}.cancel_blocked_jobs(v_ended.failed_dependents);
  end if;
  if v_dependents is not null then perform ${s}.forget_dependencies(v_dependents); end if;
  if v_ended.done <> '{}' or v_ended.failed <> '{}' then
    perform ${s}.satisfy_dependents(v_ended.done, v_ended.failed, p_now);
  end if;
  if v_ended.failed <> '{}' then perform ${s}.fail_dependents(v_ended.failed, v_ended.failed, p_now); end if;
end $$;
`
