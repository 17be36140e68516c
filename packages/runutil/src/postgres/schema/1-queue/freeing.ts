import { SMALL_PAYLOAD } from '../../../queue/payload-bytes.ts'
import { GT, TEXT } from '../../database/qualified.ts'
import { BY_INDEX, lookedUp } from '../plan-settings.ts'
import { SLACK } from '../store-time.ts'

/** The kind of a claim's result row, without an id: leases have expired, or the search was incomplete; claim again soon. */
export const CLAIM_AGAIN = 'claim again'

/** The prefix of a notification that earlier jobs may be claimed again; the counts follow as for new jobs. */
export const REQUEUED = 'requeued'
/** Jobs due later than this aren't announced: by then every worker has polled. */
export const MAX_AHEAD_MS = 60_000
/** In bytes; PostgreSQL allows 8,000 for a notification. Enough for a dozen kinds. */
const MAX_NOTICE_BYTES = 1_000

/** The advisory lock of a claim, taken by a transaction that settles its jobs and by one that frees them. */
export const claimKey = (s: string, claim: string): string =>
  `hashtextextended('runutil claim ${s.replaceAll("'", "''")}', ${claim})`

/** How long an expired lease is left alone, so that a live process can still renew it. */
export const GRACE_MS = 500

/**
 * Freeing the jobs of expired leases, and returning them to their holders.
 *
 * A freed job waits like any other, but its row records the claim that held it. Until another claim takes the row, the
 * holder can still renew and settle the job, which returns to that claim as if it had never been freed.
 */
export const freeing = (s: string): string => /* sql */ `
-- Null for a job that claims need to know nothing about.
create function ${s}.note_of(p_payload json, p_crashes integer, p_claim bigint, p_since timestamptz)
returns ${s}.job_note language sql immutable as $$
  select case when p_crashes ${GT} 0 or pg_catalog.octet_length(p_payload::${TEXT}) ${GT} ${SMALL_PAYLOAD}
    then row(pg_catalog.octet_length(p_payload::${TEXT}), p_crashes, p_claim, p_since, null)::${s}.job_note end
$$;

-- Frees the jobs of expired leases, except those that the caller holds. The first call marks a lease as suspect, one after
-- the grace frees it. After seconds without a call, the server may have been down and renewals in flight: the grace is longer.
create function ${s}.free_expired_jobs(
  p_now timestamptz, p_at_once boolean, p_holder integer, p_holding bigint[],
  out suspects boolean, out freed text[], out too_long boolean
) language plpgsql ${BY_INDEX} as $$
declare
  v_lease record;
  v_ended boolean;
  v_ids text[];
begin
  suspects := false;
  p_holding := coalesce(p_holding, '{}');
  select coalesce(bool_or(expires_at <= p_now and claim <> all (p_holding)), false),
      coalesce(bool_or(expires_at > p_now + lease * interval '1 ms' + ${SLACK}), false)
    into v_ended, too_long from ${s}.job_claims;
  if not v_ended then return; end if;
  update ${s}.job_claims set suspect_since = p_now where claim = any (array(
    select claim from ${s}.job_claims where expires_at <= p_now and (suspect_since is null or suspect_since > p_now) and claim <> all (p_holding)
    for update skip locked
  ));
  suspects := found and not p_at_once;
  for v_lease in
    delete from ${s}.job_claims where claim = any (array(
      select claim from (
        select claim from ${s}.job_claims
        where expires_at <= p_now and claim <> all (p_holding) and (p_at_once or suspect_since <= p_now
          - case when suspect_since > expires_at + interval '5 s' then 4 else 1 end * interval '${GRACE_MS} ms')
        for update skip locked
      ) as expired
      -- Skips leases with a job that is settled in an open transaction.
      where pg_try_advisory_xact_lock(${claimKey(s, 'expired.claim')})
    )) returning claim, claimed_at, holder, ids, seqs
  loop
    with back as (
      -- No crash for the caller's own claims that it doesn't hold: their answer was lost, and no handler began.
      update ${s}.jobs as j
      set crashes = j.crashes + case when v_lease.holder = p_holder then 0 else 1 end
      where j.id = any (v_lease.ids) and j.seq = any (v_lease.seqs) and j.status = 'PENDING'
      returning j.*
    ), waiting as (
      insert into ${s}.jobs_waiting (id, kind, run_at, due, priority, key, seq, note)
        select id, kind, run_at, true, priority, key, seq, case when v_lease.holder = p_holder
          then ${s}.note_of(payload, crashes, null, null)
          else ${s}.note_of(payload, crashes, v_lease.claim, v_lease.claimed_at) end
        from back
        returning id
    ) select array_agg(id) into v_ids from waiting;
    freed := freed || v_ids;
    perform ${s}.release_slots(v_lease.ids, array[v_lease.claim]);
  end loop;
end $$;

-- Notifies that these jobs may be claimed again, with the count per kind, so that about as many workers wake.
create function ${s}.notify_requeued(p_channel text, p_ids text[]) returns void language plpgsql ${BY_INDEX} as $$
declare
  v_counts text := (
    select json_agg(json_build_array(kind, count, 0))::text
    from (select kind, count(*) from ${s}.jobs where id = any (p_ids) group by kind) as given
  );
begin
  perform pg_notify(p_channel, '${REQUEUED}' || case when length(v_counts) <= ${MAX_NOTICE_BYTES} then v_counts else '' end);
end $$;

-- Returns jobs to the claims that they were freed from, unless another claim has taken them since, and undoes their
-- crash.
create function ${s}.restore_claims(p_ids text[], p_claims bigint[], p_now timestamptz, p_lease float8)
returns void language plpgsql ${BY_INDEX} as $$
declare
  v_job record;
  v_since timestamptz;
begin
  for v_job in
    select o.claim, j.id, j.kind, j.key, j.priority, j.run_at, j.seq
    from ${s}.pairs(p_ids, p_claims) as o join ${s}.jobs as j on ${lookedUp('j.id', 'o.id')}
    where j.status = 'PENDING' and j.crashes > 0 order by o.id for update of j
  loop
    delete from ${s}.jobs_waiting where kind = v_job.kind and due and priority = v_job.priority
      and run_at = v_job.run_at and seq = v_job.seq and (note).claim = v_job.claim
      returning (note).since into v_since;
    if not found then
      delete from ${s}.jobs_waiting where not due and run_at = v_job.run_at and seq = v_job.seq
        and (note).claim = v_job.claim returning (note).since into v_since;
    end if;
    continue when not found;
    update ${s}.jobs set crashes = crashes - 1 where id = v_job.id;
    insert into ${s}.job_claims as c (claim, claimed_at, expires_at, lease, ids, seqs)
      values (v_job.claim, v_since, p_now + p_lease * interval '1 ms', p_lease, array[v_job.id], array[v_job.seq])
      on conflict (claim) do update set ids = c.ids || excluded.ids, seqs = c.seqs || excluded.seqs;
    -- The job has been running all along, whatever the limits.
    insert into ${s}.job_slots (id, claim, kind, key) values (v_job.id, v_job.claim, v_job.kind, v_job.key)
      on conflict do nothing;
  end loop;
end $$;
`
