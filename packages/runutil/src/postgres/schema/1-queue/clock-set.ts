import { BY_INDEX } from '../plan-settings.ts'
import { SLACK } from '../store-time.ts'

/** The kind of a claim's result row, without an id, that has the claim's time as its runAt. */
export const TIME = 'time'

/**
 * For a database clock that was set back: durations are cut to their own length, counted from now; times of day
 * stay.
 */
export const clockSet = (s: string): string => /* sql */ `
create function ${s}.cut_leases(p_now float8) returns void language plpgsql ${BY_INDEX} as $$
begin
  -- Reads the time after the rows, so that a lease written meanwhile isn't mistaken for one that is too long.
  update ${s}.job_claims as c set expires_at = ${s}.store_time(p_now) + c.lease * interval '1 ms', suspect_since = null
    where c.claim = any (array(
      select o.claim from ${s}.job_claims as o
      where o.expires_at > ${s}.store_time(p_now) + o.lease * interval '1 ms' + ${SLACK} for update skip locked
    ));
end $$;

-- Cuts the delays of retries.
create function ${s}.cut_delays(p_now timestamptz) returns void language plpgsql ${BY_INDEX} as $$
declare
  v_job record;
  v_run_at timestamptz;
begin
  for v_job in
    select w.id, w.seq, w.run_at, w.delayed_since from ${s}.jobs_waiting as w
    where not w.due and w.delayed_since > p_now + ${SLACK} order by w.delayed_since limit 10000
  loop
    v_run_at := p_now + (v_job.run_at - v_job.delayed_since);
    update ${s}.jobs set run_at = v_run_at
      where id = v_job.id and seq = v_job.seq and run_at = v_job.run_at and status = 'PENDING';
    continue when not found;
    update ${s}.jobs_waiting set run_at = v_run_at, delayed_since = p_now
      where not due and run_at = v_job.run_at and seq = v_job.seq and id = v_job.id;
  end loop;
end $$;

-- Cuts the starts of a kind that count for a rate. The caller has locked the kind's row in job_limits.
create function ${s}.cut_starts(p_kind text, p_now timestamptz) returns void language plpgsql ${BY_INDEX} as $$
begin
  if exists (
    select from (
      select o.at, o.ahead from ${s}.job_starts as o where o.kind = p_kind order by o.upto desc limit 1
    ) as last where last.at > p_now + last.ahead * interval '1 ms' + ${SLACK}
  ) then
    update ${s}.job_starts set at = p_now, kept_until = p_now + (kept_until - at), ahead = 0
      where kind = p_kind and at > p_now;
  end if;
end $$;
`
