import { BY_HASH, BY_INDEX, PINNED, lookedUp } from '../plan-settings.ts'
import { rescheduling } from './rescheduling.ts'
import { retrying } from './retrying.ts'

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
