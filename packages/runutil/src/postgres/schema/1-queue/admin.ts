import { BY_HASH, BY_INDEX } from '../plan-settings.ts'

/** How many of the next delayed jobs are searched for jobs of the given kinds. */
const NEXT = 100

/** Operations on jobs from outside, held or not. */
export const admin = (s: string): string => /* sql */ `
create function ${s}.cancel_job(p_id text, p_now float8) returns boolean language plpgsql ${BY_INDEX} as $$
declare
  v_job record;
begin
  update ${s}.jobs set status = 'FAILED', last_error = 'cancelled', updated_at = ${s}.store_time(p_now)
    where id = p_id and status = 'PENDING' returning * into v_job;
  if v_job is null then return false; end if;
  if not ${s}.remove_waiting_job(v_job.id, v_job.kind, v_job.priority, v_job.run_at, v_job.seq) then
    -- The job keeps its place until its holder reports its end, even under a limit that is set later.
    insert into ${s}.job_slots (id, claim, kind, key, unique_key)
      select v_job.id, c.claim, v_job.kind, v_job.key, v_job.unique_key
      from ${s}.job_claims as c, unnest(c.ids, c.seqs) as held (id, seq)
      where held.id = v_job.id and held.seq = v_job.seq
      on conflict (id, claim) do update set unique_key = excluded.unique_key;
  end if;
  perform ${s}.record_failures(array[p_id]);
  if v_job.links is not null then perform ${s}.end_linked_jobs(array[p_id], ${s}.store_time(p_now)); end if;
  return true;
end $$;

-- Finds the row by the other indexes, since there is none on ids. False when a claim holds the job.
create function ${s}.remove_waiting_job(p_id text, p_kind text, p_priority integer, p_run_at timestamptz, p_seq bigint)
returns boolean language plpgsql ${BY_INDEX} as $$
begin
  for v_try in 1..2 loop
    delete from ${s}.jobs_waiting where kind = p_kind and due and ids is null and priority = p_priority
      and run_at = p_run_at and seq = p_seq and id = p_id;
    if found then return true; end if;
    -- The next try also finds what a claim has left of a run meanwhile.
    if v_try = 1 then perform ${s}.break_run_of(p_kind, p_priority, p_run_at, p_seq); end if;
  end loop;
  delete from ${s}.jobs_waiting where not due and run_at = p_run_at and seq = p_seq and id = p_id;
  return found;
end $$;

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
  if found then perform pg_notify(p_channel, json_build_array(json_build_array(v_job.kind, 1, 0))::text); end if;
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
