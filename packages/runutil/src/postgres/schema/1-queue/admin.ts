import { BY_HASH, BY_INDEX } from '../plan-settings.ts'

/** How many of the next delayed jobs are searched for jobs of the given kinds. */
const NEXT = 100

/** Operations on jobs from outside, held or not. */
export const admin = (s: string): string => /* sql */ `
create function ${s}.retry_job(p_id text, p_channel text, p_now float8) returns boolean language plpgsql ${BY_INDEX} as $$
declare
  v_now timestamptz := ${s}.store_time(p_now);
  v_job record;
begin
  select * into v_job from ${s}.jobs where id = p_id and status = 'PENDING' for update;
  if v_job is null then return false; end if;
  if v_job.run_at <= v_now then return true; end if;
  update ${s}.jobs set run_at = v_now where id = p_id;
  update ${s}.jobs_waiting set run_at = v_now, due = true
    where not due and run_at = v_job.run_at and seq = v_job.seq and id = p_id;
  if not found then
    -- The clock was set back after the job fell due.
    perform ${s}.break_run_of(v_job.kind, v_job.priority, v_job.run_at, v_job.seq);
    update ${s}.jobs_waiting set run_at = v_now where kind = v_job.kind and due and priority = v_job.priority
      and run_at = v_job.run_at and seq = v_job.seq and id = p_id;
  end if;
  if found then
    perform ${s}.unmark_backlogs(array[v_job.kind], array[v_job.key], array[v_job.priority], v_now, array[v_job.seq]);
    perform pg_notify(p_channel, json_build_array(json_build_array(v_job.kind, 1, 0))::text);
  end if;
  return true;
end $$;

-- In how many ms the next job of these kinds falls due or the next lease expires; null for none. May be too small where many
-- jobs of other kinds fall due sooner.
create function ${s}.quiet_for(p_kinds text[], p_now float8) returns float8 language plpgsql ${BY_HASH} as $$
declare
  v_next record;
begin
  -- A subquery, since it is looked up by hash: there may be very many kinds.
  select min(run_at) filter (where kind in (select unnest(p_kinds))) as its, max(run_at) as last, count(*) as count
  into v_next
  from (select kind, run_at from ${s}.jobs_waiting where not due order by run_at, seq limit ${NEXT}) as next;
  return date_part('epoch', least(
    v_next.its, case when v_next.count = ${NEXT} then v_next.last end, (select min(expires_at) from ${s}.job_claims)
  ) - ${s}.store_time(p_now)) * 1000;
end $$;
`
