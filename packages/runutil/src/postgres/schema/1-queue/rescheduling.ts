import { BY_INDEX } from '../plan-settings.ts'
import { SMALL_PAYLOAD } from '../../../queue/payload-bytes.ts'
import { MAX_AHEAD_MS, REQUEUED } from './freeing.ts'

/** Giving a waiting job another time, priority or payload. */
export const rescheduling = (s: string): string => /* sql */ `
-- Changes a waiting job: null stays as it is. False when the job runs, has ended or doesn't exist.
create function ${s}.reschedule_job(
  p_id text, p_run_at float8, p_delay float8, p_priority integer, p_payload text, p_channel text, p_now float8
) returns boolean language plpgsql ${BY_INDEX} as $$
declare
  v_now timestamptz;
  v_job record;
  v_row ${s}.jobs_waiting;
  v_ahead float8;
begin
  perform ${s}.lock_blocked_jobs(array[p_id]);
  select * into v_job from ${s}.jobs where id = p_id and status = 'PENDING' for update;
  if not found then return false; end if;
  v_row := ${s}.take_waiting_job(v_job.id, v_job.kind, v_job.priority, v_job.run_at, v_job.seq);
  v_now := ${s}.store_time(p_now);
  if v_row.id is null then
    if not ${s}.is_blocked(p_id) then return false; end if;
    if p_run_at is not null or p_delay is not null then
      update ${s}.jobs_blocked set delayed_since = case when p_delay > 0 then v_now end where id = p_id;
    end if;
    update ${s}.jobs set updated_at = v_now, priority = coalesce(p_priority, priority), payload = coalesce(p_payload::json, payload),
      run_at = case when p_run_at is null and p_delay is null then run_at
        else greatest(v_now, to_timestamp(p_run_at / 1000.0)) + coalesce(p_delay, 0) * interval '1 ms' end
      where id = p_id;
    return true;
  end if;
  if p_run_at is not null or p_delay is not null then
    v_row.run_at := greatest(v_now, to_timestamp(p_run_at / 1000.0)) + coalesce(p_delay, 0) * interval '1 ms';
    v_row.delayed_since := case when p_delay > 0 then v_now end;
  end if;
  v_row.due := v_row.run_at <= v_now;
  v_row.priority := coalesce(p_priority, v_row.priority);
  -- With another payload, what a former holder would still report is of another job.
  if p_payload is not null then
    v_row.note := case
      when octet_length(p_payload) > ${SMALL_PAYLOAD} or v_job.crashes > 0 or (v_row.note).unique_key is not null
      then row(octet_length(p_payload), v_job.crashes, null, null, (v_row.note).unique_key)::${s}.job_note
    end;
  end if;
  update ${s}.jobs set run_at = v_row.run_at, priority = v_row.priority, payload = coalesce(p_payload::json, payload), updated_at = v_now
    where id = p_id;
  insert into ${s}.jobs_waiting select (v_row).*;
  perform ${s}.unmark_backlogs(array[v_row.kind], array[v_row.key], array[v_row.priority], v_row.run_at, array[v_row.seq]);
  v_ahead := greatest(0, ceil(date_part('epoch', v_row.run_at - v_now) * 1000));
  if v_ahead <= ${MAX_AHEAD_MS} then
    perform pg_notify(p_channel, '${REQUEUED}' || json_build_array(json_build_array(v_row.kind, 1, v_ahead))::text);
  end if;
  return true;
end $$;
`
