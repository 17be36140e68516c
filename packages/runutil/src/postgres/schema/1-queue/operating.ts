import { BY_HASH, BY_INDEX, PINNED, lookedUp } from '../plan-settings.ts'
import { REQUEUED } from './freeing.ts'

/** Payloads of up to this many bytes aren't counted. */
const SMALL_PAYLOAD = 512
/** Jobs due later than this aren't announced: by then every worker has polled. */
const MAX_AHEAD_MS = 60_000

/**
 * An operator's calls that concern many jobs. They lock no job that another transaction has locked, so that they never wait for one
 * while they hold others: such jobs are returned as busy, and the caller asks again for one at a time, with p_wait.
 */
export const operating = (s: string): string =>
  [waiting, cancelling, deleting, retrying, rescheduling].map((part) => part(s)).join('')

const waiting = (s: string): string => /* sql */ `
-- Removes the row of a waiting job, whose row in jobs the caller has locked, and returns it; all null when a claim holds the job.
-- Finds it by the other indexes, since there is none on ids.
create function ${s}.take_waiting_job(p_id text, p_kind text, p_priority integer, p_run_at timestamptz, p_seq bigint)
returns ${s}.jobs_waiting language plpgsql ${BY_INDEX} as $$
declare
  v_row ${s}.jobs_waiting;
begin
  -- First those that aren't due: a job may fall due meanwhile, but never the other way round.
  delete from ${s}.jobs_waiting where not due and run_at = p_run_at and seq = p_seq and id = p_id returning * into v_row;
  if found then return v_row; end if;
  for v_try in 1..2 loop
    delete from ${s}.jobs_waiting where kind = p_kind and due and ids is null and priority = p_priority
      and run_at = p_run_at and seq = p_seq and id = p_id returning * into v_row;
    if found then return v_row; end if;
    -- The next try also finds what a claim has left of a run meanwhile.
    if v_try = 1 then perform ${s}.break_run_of(p_kind, p_priority, p_run_at, p_seq); end if;
  end loop;
  return null;
end $$;

-- These jobs wait again, or elsewhere, and may lie before the mark of a backlog: claims find those with a key by it, and the
-- first of those without one because they reread the backlog from there.
create function ${s}.unmark_backlogs(
  p_kinds text[], p_keys text[], p_priorities integer[], p_run_at timestamptz, p_seqs bigint[]
) returns void language plpgsql ${PINNED} as $$
begin
  if not exists (select from ${s}.job_backlogs) then return; end if;
  insert into ${s}.job_unblocked_keys (kind, key)
    select distinct b.kind, given.key from unnest(p_kinds, p_keys) as given (kind, key)
    join ${s}.job_backlogs as b on b.kind = given.kind where given.key is not null;
  update ${s}.job_backlogs as b set reread_to = first.place from (
    select distinct on (given.kind) given.kind, row(given.priority, p_run_at, given.seq - 1)::${s}.job_place as place
    from unnest(p_kinds, p_keys, p_priorities, p_seqs) as given (kind, key, priority, seq) where given.key is null
    order by given.kind, given.priority desc, given.seq
  ) as first where b.kind = first.kind and ${s}.is_before(first.place, b.full_to);
end $$;
`

const cancelling = (s: string): string => /* sql */ `
-- With p_only_waiting, leaves those that run.
create function ${s}.cancel_jobs(
  p_ids text[], p_only_waiting boolean, p_wait boolean, p_now float8, out cancelled integer, out busy text[]
) language plpgsql ${BY_HASH} as $$
declare
  v_now timestamptz;
  v_job record;
  v_seen text[] := '{}';
  v_ended text[] := '{}';
  v_held bigint[] := '{}';
  v_linked text[] := '{}';
begin
  perform ${s}.lock_blocked_jobs(p_ids);
  if p_wait then perform from ${s}.jobs where id = any (p_ids) and status = 'PENDING' for update; end if;
  v_now := ${s}.store_time(p_now);
  for v_job in
    with free as materialized (
      select id, kind, priority, run_at, seq, links from ${s}.jobs
      where id = any (p_ids) and status = 'PENDING' for update skip locked
    )
    -- Always in one order, so that no two calls wait for each other's runs.
    select * from free as f order by f.kind, f.priority desc, f.run_at, f.seq
  loop
    v_seen := v_seen || v_job.id;
    if (${s}.take_waiting_job(v_job.id, v_job.kind, v_job.priority, v_job.run_at, v_job.seq)).id is null then
      continue when p_only_waiting and not ${s}.is_blocked(v_job.id);
      v_held := v_held || v_job.seq;
    end if;
    v_ended := v_ended || v_job.id;
    if v_job.links is not null then v_linked := v_linked || v_job.id; end if;
  end loop;
  if v_held <> '{}' then
    -- These keep their places until their holders report their end, even under a limit that is set later.
    insert into ${s}.job_slots (id, claim, kind, key, unique_key)
      select j.id, held.claim, j.kind, j.key, j.unique_key from (
        select c.claim, u.id, u.seq from ${s}.job_claims as c, unnest(c.ids, c.seqs) as u (id, seq)
        where u.seq in (select unnest(v_held))
      ) as held join ${s}.jobs as j on ${lookedUp('j.id', 'held.id')} where j.seq = held.seq
      on conflict (id, claim) do update set unique_key = excluded.unique_key;
  end if;
  update ${s}.jobs set status = 'FAILED', last_error = 'cancelled', updated_at = v_now where id = any (v_ended);
  perform ${s}.record_failures(v_ended);
  if v_linked <> '{}' then perform ${s}.end_linked_jobs(v_linked, v_now); end if;
  cancelled := cardinality(v_ended);
  busy := array(select id from ${s}.jobs where id = any (p_ids) and status = 'PENDING' and id <> all (v_seen));
end $$;

create function ${s}.cancel_job(p_id text, p_now float8) returns boolean language plpgsql ${PINNED} as $$
begin
  return (select c.cancelled > 0 from ${s}.cancel_jobs(array[p_id], false, true, p_now) as c);
end $$;
`

const deleting = (s: string): string => /* sql */ `
-- Deletes waiting and ended jobs; a waiting one ends first.
create function ${s}.delete_jobs(p_ids text[], p_wait boolean, p_now float8, out deleted integer, out busy text[])
language plpgsql ${BY_INDEX} as $$
declare
  v_job record;
  v_seen text[] := '{}';
  v_gone text[] := '{}';
  v_linked text[] := '{}';
  v_ended text[] := '{}';
begin
  perform ${s}.lock_blocked_jobs(p_ids);
  if p_wait then perform from ${s}.jobs where id = any (p_ids) for update; end if;
  for v_job in
    with free as materialized (
      select id, kind, priority, run_at, seq, status, links from ${s}.jobs where id = any (p_ids) for update skip locked
    )
    select * from free order by kind, priority desc, run_at, seq
  loop
    v_seen := v_seen || v_job.id;
    if v_job.status = 'PENDING' then
      continue when (${s}.take_waiting_job(v_job.id, v_job.kind, v_job.priority, v_job.run_at, v_job.seq)).id is null
        and not ${s}.is_blocked(v_job.id);
      if v_job.links is not null then v_linked := v_linked || v_job.id; end if;
    elsif v_job.links is not null then
      v_ended := v_ended || v_job.id;
      continue;
    end if;
    v_gone := v_gone || v_job.id;
  end loop;
  if v_linked <> '{}' then
    update ${s}.jobs set status = 'FAILED', last_error = 'cancelled', updated_at = ${s}.store_time(p_now) where id = any (v_linked);
    perform ${s}.end_linked_jobs(v_linked, ${s}.store_time(p_now));
    -- Nobody could end the others once these are gone.
    while exists (select from ${s}.job_cascades where id = any (v_linked)) loop
      perform ${s}.fail_more_dependents(p_now);
    end loop;
  end if;
  v_gone := v_gone || array(select id from unnest(v_ended) as given (id) where not ${s}.is_needed(id));
  perform ${s}.remove_jobs(array(select ctid from ${s}.jobs where id = any (v_gone)));
  deleted := cardinality(v_gone);
  busy := array(select id from ${s}.jobs where id = any (p_ids) and id <> all (v_seen));
end $$;
`

const retrying = (s: string): string => /* sql */ `
-- Makes FAILED and PANIC jobs wait again, due now. p_payloads is empty, or has the payload of all or of each,
-- null for an unchanged one. Returns the jobs that were retried.
create function ${s}.retry_jobs(
  p_ids text[], p_payloads text[], p_wait boolean, p_channel text, p_now float8, out ids text[], out kinds text[], out busy text[]
) language plpgsql ${BY_INDEX} as $$
declare
  -- Element n of a variable is found at once; in a parameter, PostgreSQL walks over those before it.
  v_payloads text[] := p_payloads;
  v_now timestamptz;
  -- Those that the jobs ended under, or that still hold places of cancelled jobs.
  v_claims bigint[];
  v_ids text[];
  v_places bigint[];
  v_keys text[];
  v_priorities integer[];
  v_seqs bigint[];
  -- Those whose unique keys others hold.
  v_refused text[];
  v_still_blocked text[];
  v_revive boolean;
begin
  perform ${s}.lock_blocked_jobs(p_ids);
  v_claims := array(
    select claim from ${s}.jobs where id = any (p_ids) and status in ('FAILED', 'PANIC') and claim is not null
    union select claim from ${s}.job_slots where id = any (p_ids)
  );
  -- In the order in which jobs are settled: first the claims, then the jobs.
  if v_claims <> '{}' then perform ${s}.lock_leases(v_claims, true); end if;
  if p_wait then perform from ${s}.jobs where id = any (p_ids) and status in ('FAILED', 'PANIC') for update; end if;
  select array_agg(given.id), array_agg(given.place) into v_ids, v_places
  from unnest(p_ids) with ordinality as given (id, place) cross join lateral (
    -- One that has another claim by now was retried by others, and has ended again since.
    select from ${s}.jobs as o where o.id = given.id and o.status in ('FAILED', 'PANIC')
      and (o.claim is null or o.claim = any (v_claims)) and (o.links is null or ${s}.can_be_retried(o.id))
      for update skip locked offset 0
  ) as free;
  v_refused := ${s}.retake_unique_keys(v_ids);
  v_now := ${s}.store_time(p_now);
  v_still_blocked := ${s}.reopen_blocked_jobs(array(select unnest(v_ids) except select unnest(v_refused)));
  with retried as (
    update ${s}.jobs as j set status = 'PENDING', run_at = v_now, updated_at = v_now, claim = null, crashes = 0,
      uncounted = nullif(j.attempts_done, 0), payload = coalesce(
        v_payloads[case when cardinality(p_payloads) = 1 then 1 else given.place end]::json, j.payload)
    from unnest(v_ids, v_places) as given (id, place) where ${lookedUp('j.id', 'given.id')} and j.id <> all (v_refused)
    returning j.*
  ), waiting as (
    insert into ${s}.jobs_waiting (id, kind, run_at, due, priority, key, seq, note)
      select r.id, r.kind, r.run_at, true, r.priority, r.key, r.seq, ${s}.note_of_unclaimed(r.payload, r.unique_key, r.links)
      from retried as r where r.id <> all (v_still_blocked)
  )
  select array_agg(r.id), array_agg(r.kind), array_agg(r.key), array_agg(r.priority), array_agg(r.seq), bool_or(r.links is not null)
    into ids, kinds, v_keys, v_priorities, v_seqs, v_revive from retried as r;
  if ids is not null then
    delete from ${s}.job_failures where id = any (ids);
    if v_revive then perform ${s}.revive_dependents(ids, v_now); end if;
    -- Their claims hold them no more; the ids stay, so that the places of cancelled jobs are given back.
    update ${s}.job_claims as c set seqs = (
      select array_agg(case when u.seq = any (v_seqs) then -1 else u.seq end order by u.place)
      from unnest(c.seqs) with ordinality as u (seq, place)
    ) where c.claim = any (v_claims) and c.seqs && v_seqs;
    perform ${s}.unmark_backlogs(kinds, v_keys, v_priorities, v_now, v_seqs);
    perform ${s}.notify_requeued(p_channel, ids);
  end if;
  busy := array(
    select id from ${s}.jobs as j where j.id = any (p_ids) and j.status in ('FAILED', 'PANIC') and j.id <> all (coalesce(retry_jobs.ids, '{}'))
      and j.id <> all (v_refused) and (j.links is null or ${s}.can_be_retried(j.id))
  );
end $$;
`

const rescheduling = (s: string): string => /* sql */ `
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
