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
begin
  perform ${s}.free_unique_keys(p_ids);
  perform ${s}.end_dependencies(p_ids, p_now);
end $$;
`
