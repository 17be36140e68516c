import { LONGEST_ERROR, MOST_ERRORS } from '../../../queue/outcome.ts'
import { BY_HASH, BY_INDEX, PINNED, lookedUp } from '../plan-settings.ts'
import { claimKey } from './freeing.ts'

/** A job to be settled is locked, as it is while a caller's transaction that settles it is open. */
export const BUSY = 'busy'

/**
 * Settling held jobs. Lists may be short: the first claim stands for omitted ones, and an omitted
 * outcome is DONE. Returns null when no job is lost, else a JSON list with the positions of the lost
 * ones, counted from 1.
 *
 * p_attempts has the number of the attempt whose error is to be kept, p_stopped whether the attempt isn't to be counted.
 *
 * p_finished are claims that have no more jobs to settle: they are deleted. Null in a caller's transaction, which deletes none.
 */
export const settling = (s: string): string => /* sql */ `
-- Keeps the jobs of these leases from being freed before this transaction ends. With p_alone, to change the leases; else
-- shared with other transactions that settle. Always in one order, so that there is no deadlock.
create function ${s}.lock_leases(p_claims bigint[], p_alone boolean) returns void language plpgsql ${PINNED} as $$
begin
  if p_alone then
    perform from ${s}.job_claims as c where c.claim = any (p_claims) order by c.claim for update;
  else
    perform from ${s}.job_claims as c where c.claim = any (p_claims) order by c.claim for share;
  end if;
end $$;

-- For a caller's transaction, which may stay open for long: keeps the jobs of these leases from being freed, while the
-- leases can still be renewed, changed and deleted. Works with any snapshot, however old.
create function ${s}.keep_claims(p_claims bigint[]) returns void language plpgsql ${PINNED} as $$
begin
  perform pg_advisory_xact_lock_shared(${claimKey(s, 'kept.claim')})
    from (select distinct unnest(p_claims) as claim order by 1) as kept;
end $$;

-- The jobs that are held under the given claims, by their positions in the lists.
create function ${s}.held_jobs(p_ids text[], p_claims bigint[])
returns table (place bigint, id text, seq bigint, claim bigint, since timestamptz) language plpgsql
${BY_HASH} as $$
begin
  return query
    with held as materialized (
      select c.claim, c.claimed_at, u.id, u.seq from ${s}.job_claims as c, unnest(c.ids, c.seqs) as u (id, seq)
      where c.claim = any (p_claims)
    )
    select given.place, given.id, held.seq, held.claim, held.claimed_at
    from unnest(p_ids, p_claims) with ordinality as given (id, claim, place)
    join held on held.id = given.id and held.claim = coalesce(given.claim, p_claims[1])
    order by given.id;
end $$;

-- Moves jobs from their claims back to waiting, until their run_at: the end of a delay or, for those in p_at_times, a time of
-- day. With p_at_times null, they are due at once: jobs that are released, whose run_at is unchanged.
create function ${s}.requeue_jobs(p_ids text[], p_claims bigint[], p_now timestamptz, p_at_times text[])
returns void language plpgsql ${PINNED} as $$
begin
  insert into ${s}.jobs_waiting (id, kind, run_at, due, priority, key, seq, note, delayed_since)
    select id, kind, run_at, p_at_times is null or run_at <= p_now, priority, key, seq,
      ${s}.note_of(payload, crashes, null, null), case when run_at > p_now and id <> all (p_at_times) then p_now end
    from ${s}.jobs where id = any (p_ids);
  update ${s}.job_claims set (ids, tids) = (
    select array_agg(case when u.id <> all (p_ids) then u.id end order by u.place),
      case when tids is not null then array_agg(case when u.id <> all (p_ids) then u.tid end order by u.place) end
    from unnest(ids, tids) with ordinality as u (id, tid, place)
  ) where claim = any (p_claims) and ids && p_ids;
end $$;

-- Settles the only job of a claim as DONE, and deletes the claim. False when the claim took other jobs too, or the job isn't
-- held any more: then settle_jobs goes on.
create function ${s}.settle_only_job(p_id text, p_claim bigint, p_result text, p_now timestamptz)
returns boolean language plpgsql ${BY_INDEX} as $$
declare
  v_seq bigint;
  v_since timestamptz;
  v_links smallint;
begin
  delete from ${s}.job_claims where claim = p_claim and ids = array[p_id] returning seqs[1], claimed_at into v_seq, v_since;
  if not found then return false; end if;
  update ${s}.jobs set status = 'DONE', result = p_result::json, last_error = null, updated_at = p_now, claim = p_claim,
    crashes = 0, attempts_done = attempts_done + 1, last_attempt_at = v_since
    where id = p_id and seq = v_seq and status = 'PENDING' returning links into v_links;
  if not found then return false; end if;
  if v_links is not null then perform ${s}.end_done_jobs(array[p_id], array[v_links], p_now); end if;
  if exists (select from ${s}.job_slots) then perform ${s}.release_slots(array[p_id], array[p_claim]); end if;
  return true;
end $$;

-- Adds the error of an attempt to those of its job, and leaves out the oldest.
create function ${s}.add_error(p_errors json, p_at timestamptz, p_attempt integer, p_message text) returns json
language plpgsql ${PINNED} as $$
begin
  return (
    select json_agg(kept.error order by kept.place) from (
      select old.error, old.place from json_array_elements(p_errors) with ordinality as old (error, place)
      where old.place > json_array_length(p_errors) - ${MOST_ERRORS - 1}
      union all
      select json_build_object('at', date_part('epoch', p_at) * 1000, 'attempt', p_attempt,
        'message', left(p_message, ${LONGEST_ERROR})), ${MOST_ERRORS + 1}
    ) as kept
  );
end $$;

create function ${s}.settle_jobs(
  p_ids text[], p_claims bigint[], p_statuses text[], p_results text[], p_errors text[], p_run_ats float8[],
  p_delays float8[], p_counted boolean[], p_stopped boolean[], p_attempts integer[], p_finished bigint[], p_now float8
) returns text language plpgsql ${BY_HASH} as $$
declare
  v_now timestamptz := ${s}.store_time(p_now);
  -- Element n of a variable is found at once; in a parameter, PostgreSQL walks over those before it.
  v_statuses text[] := p_statuses;
  v_results text[] := p_results;
  v_errors text[] := p_errors;
  v_attempts integer[] := p_attempts;
  v_settled bigint[] := '{}';
  v_now_settled bigint[];
  v_retried text[];
  v_linked text[];
begin
  -- The fast path for workers that run one job after another.
  if p_finished = p_claims and cardinality(p_ids) = 1 and p_statuses = '{}'
    and ${s}.settle_only_job(p_ids[1], p_claims[1], p_results[1], v_now) then return null; end if;
  if p_finished is null then
    perform ${s}.keep_claims(p_claims);
  else
    perform ${s}.lock_leases(p_claims, 'PENDING' = any (p_statuses) or p_finished <> '{}');
  end if;
  for v_round in 1..2 loop
    with held as materialized (
      select c.claim, c.claimed_at as since, u.id, u.seq from ${s}.job_claims as c, unnest(c.ids, c.seqs) as u (id, seq)
      where c.claim = any (p_claims)
    ), settled as (
      update ${s}.jobs as j set
        status = coalesce(v_statuses[h.place], 'DONE'), result = v_results[h.place]::json,
        last_error = v_errors[h.place], updated_at = v_now,
        claim = case when coalesce(v_statuses[h.place], 'DONE') = 'PENDING' then null else h.claim end,
        crashes = 0,
        attempts_done = j.attempts_done + case when coalesce(p_counted[h.place], true) then 1 else 0 end,
        last_attempt_at = case when coalesce(p_counted[h.place], true) then h.since else j.last_attempt_at end,
        uncounted = case when p_stopped[h.place] then coalesce(j.uncounted, 0) + 1 else j.uncounted end,
        errors = case when v_attempts[h.place] is null then j.errors
          else ${s}.add_error(j.errors, v_now, v_attempts[h.place], v_errors[h.place]) end,
        run_at = case when v_statuses[h.place] = 'PENDING' then
          greatest(v_now, to_timestamp(p_run_ats[h.place] / 1000.0)) + coalesce(p_delays[h.place], 0) * interval '1 ms'
          else j.run_at end
      from (
        select given.place, given.id, held.seq, held.claim, held.since
        from unnest(p_ids, p_claims) with ordinality as given (id, claim, place)
        join held on held.id = given.id and held.claim = coalesce(given.claim, p_claims[1])
      ) as h
      where ${lookedUp('j.id', 'h.id')} and ${lookedUp('j.seq', 'h.seq')} and j.status = 'PENDING'
      returning h.place, case when j.status = 'PENDING' then j.id end as retried,
        case when j.links is not null and j.status <> 'PENDING' then j.id end as linked
    ) select array_agg(place), array_agg(retried) filter (where retried is not null),
        array_agg(linked) filter (where linked is not null)
      into v_now_settled, v_retried, v_linked from settled;
    if v_linked is not null then perform ${s}.end_linked_jobs(v_linked, v_now); end if;
    if v_retried is not null then
      perform ${s}.requeue_jobs(v_retried, p_claims, v_now, case when p_run_ats = '{}' then '{}' else
        array(select o.id from ${s}.pairs(p_ids, p_claims) as o where p_run_ats[o.place] is not null) end);
    end if;
    v_settled := v_settled || v_now_settled;
    exit when cardinality(v_settled) = cardinality(p_ids) or v_round = 2;
    -- Jobs that were freed return to their claims, here or by a renewal of their holder at the same time; then they are
    -- settled.
    perform ${s}.restore_claims(p_ids, p_claims, v_now, 0);
  end loop;
  if p_statuses && '{FAILED,PANIC}' then
    perform ${s}.record_failures(array(
      select given.id from unnest(p_ids, p_statuses) with ordinality as given (id, status, place)
      where given.status in ('FAILED', 'PANIC') and given.place = any (v_settled)
    ));
  end if;
  perform ${s}.finish_claims(p_ids, p_claims, p_finished);
  if cardinality(v_settled) = cardinality(p_ids) then return null; end if;
  return (
    select json_agg(o.place)::text from ${s}.pairs(p_ids, p_claims) as o
    where o.place <> all (v_settled) and not exists (
      select from ${s}.jobs as j where ${lookedUp('j.id', 'o.id')} and ${lookedUp('j.claim', 'o.claim')} and j.status <> 'PENDING')
  );
end $$;

-- Like settle_jobs, for jobs that were settled in callers' transactions: returns 'busy', and settles none, while one of those
-- is open.
create function ${s}.settle_ended_jobs(
  p_ids text[], p_claims bigint[], p_statuses text[], p_results text[], p_errors text[], p_run_ats float8[],
  p_delays float8[], p_counted boolean[], p_stopped boolean[], p_attempts integer[], p_finished bigint[], p_now float8
) returns text language plpgsql ${BY_INDEX} as $$
begin
  if (select count(*) from ${s}.jobs where id = any (p_ids))
    > (select count(*) from (select from ${s}.jobs where id = any (p_ids) for update skip locked) as free)
  then return '${BUSY}'; end if;
  return ${s}.settle_jobs(p_ids, p_claims, p_statuses, p_results, p_errors, p_run_ats, p_delays, p_counted, p_stopped,
    p_attempts, p_finished, p_now);
end $$;

create function ${s}.pairs(p_ids text[], p_claims bigint[]) returns table (id text, claim bigint, place bigint)
language sql immutable as $$
  select id, coalesce(claim, p_claims[1]), place
  from rows from (pg_catalog.unnest(p_ids), pg_catalog.unnest(p_claims)) with ordinality as given (id, claim, place)
$$;

create function ${s}.finish_claims(p_ids text[], p_claims bigint[], p_finished bigint[])
returns void language plpgsql ${BY_INDEX} as $$
begin
  if exists (select from ${s}.job_slots) then perform ${s}.release_slots(p_ids, p_claims); end if;
  delete from ${s}.job_claims where claim = any (p_finished);
end $$;
`
