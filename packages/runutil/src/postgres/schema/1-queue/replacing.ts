import { BY_INDEX } from '../plan-settings.ts'

/** Replacing what a waiting job is to do. */
export const replacing = (s: string): string => /* sql */ `
-- Gives a waiting or blocked job, whose row in jobs the caller has locked, another payload, time, priority and key, and the trace
-- context of p_job. Everything else stays, its place among jobs of the same time too. False when a claim holds the job. p_seq is that of the call.
create function ${s}.replace_waiting_job(
  p_job ${s}.jobs, p_payload json, p_bytes integer, p_run_at timestamptz, p_delayed_since timestamptz, p_priority integer,
  p_key text, p_seq bigint, p_now timestamptz
) returns boolean language plpgsql ${BY_INDEX} as $$
declare
  v_unique_key text;
begin
  -- A call blocks those that it stores last of all.
  if p_job.after is not null and (p_job.seq between p_seq + 1 and p_seq + 1048576 or ${s}.is_blocked(p_job.id)) then
    update ${s}.jobs set payload = p_payload, run_at = p_run_at, priority = p_priority, key = p_key, updated_at = p_now,
        traceparent = p_job.traceparent where id = p_job.id;
    return true;
  end if;
  if (${s}.take_waiting_job(p_job.id, p_job.kind, p_job.priority, p_job.run_at, p_job.seq)).id is null then return false; end if;
  if p_job.unique_key is not null then
    select u.key into v_unique_key from ${s}.job_unique as u
      where u.kind = p_job.kind and u.key = p_job.unique_key and u.id = p_job.id and u.until_started;
  end if;
  update ${s}.jobs set payload = p_payload, run_at = p_run_at, priority = p_priority, key = p_key, updated_at = p_now,
      traceparent = p_job.traceparent where id = p_job.id;
  -- Without the claim that the job may have been freed from: what that reports concerns the payload of before.
  insert into ${s}.jobs_waiting (id, kind, run_at, due, priority, key, seq, note, delayed_since)
    values (p_job.id, p_job.kind, p_run_at, p_run_at <= p_now, p_priority, p_key, p_job.seq,
      case when p_bytes is not null or p_job.crashes > 0 or v_unique_key is not null
        then row(p_bytes, p_job.crashes, null, null, v_unique_key)::${s}.job_note end,
      p_delayed_since);
  perform ${s}.unmark_backlogs(array[p_job.kind], array[p_key], array[p_priority], p_run_at, array[p_job.seq]);
  return true;
end $$;
`
