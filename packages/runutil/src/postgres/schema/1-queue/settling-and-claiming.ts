import { BY_INDEX } from '../plan-settings.ts'
import { CLAIMED, claimedColumns } from './claiming.ts'

/** The kind of a first row without an id: its payload has the positions of the lost jobs, as settle_jobs returns them. */
export const LOST = 'lost'

/** The kind of a last row without an id: the look at the waiting rows took long, so it has passed dead rows. */
export const SLOW = 'slow'
export const SLOW_MS = 25

/**
 * Settling jobs and claiming the next in one transaction: one statement and one flush to disk instead of two.
 *
 * The claim looks at no more than the first waiting rows, and takes nothing where that isn't enough to know what claim_jobs would
 * take: where jobs fall due, or the first are in a run, have crashed or have a unique key to give up, or a kind is paused or
 * limited. It frees no leases. Nor does it wait: whatever the transaction waits for is locked by the settling part, before any
 * waiting row, as others lock a job before its row.
 *
 * One snapshot has both the waiting row and the job: whoever changes the payload of a waiting job replaces its row. It is taken
 * when the tables are locked, so a first limit of a kind is either seen or, if it comes later, sees the claim.
 */
export const settlingAndClaiming = (s: string): string =>
  [settlingOne, settlingSome].map((part) => part(s)).join('')

/** Whether the claim has to leave it to claim_jobs. @param kinds compared with a kind, such as `= p_kind` */
const isPlain = (s: string, kinds: string): string => /* sql */ `
  not exists (select from ${s}.jobs_waiting as w where not w.due and w.run_at <= v_now)
  and not exists (select from ${s}.paused_kinds as p where p.kind ${kinds})
  and not exists (select from ${s}.job_limits as l where l.kind ${kinds})
  -- A store with a clock of its own has no grace: its claims free expired leases at once.
  and (p_now is null or not exists (select from ${s}.job_claims as c where c.expires_at <= v_now))`

/** Of a waiting row: whether its job can be taken whatever the store knows of it. */
const isPlainRow = (row: string): string => /* sql */ `
  ${row}.ids is null and (${row}.note is null or ((${row}.note).crashes = 0 and (${row}.note).unique_key is null))`

/** The end of a function: what follows the claimed jobs. */
const endOfClaim = /* sql */ `if clock_timestamp() - v_began > interval '${SLOW_MS} ms' then
    o_id := null;
    o_kind := '${SLOW}';
    return next;
  end if;`

const nextClaim = (s: string): string =>
  `${s}.on_timeline(nextval('${s.replaceAll("'", "''")}.job_claim_numbers'))`

/**
 * Statements that claim the first job of p_kind and have it as JSON, as `ClaimedRow` with its payload as it is, and then its bytes.
 *
 * @param gate a condition that is met, or not, before it locks a row
 */
const claimOne = (s: string, gate: string): { readonly ctes: string; readonly job: string } => ({
  ctes: /* sql */ `first as (
      select w.ctid as place, w.note, w.ids from ${s}.jobs_waiting as w
      where w.kind = p_kind and w.due and ${gate} and ${isPlain(s, '= p_kind')}
      order by w.priority desc, w.run_at, w.seq limit 1 for update skip locked
    ), taken as (
      delete from ${s}.jobs_waiting as w using first
        where w.ctid = first.place and ${isPlainRow('first')}
          and (p_or_one or p_max_bytes is null or first.note is null or (first.note).bytes <= p_max_bytes)
        returning w.id, w.seq
    ), claimed as (
      insert into ${s}.job_claims as c (claim, claimed_at, expires_at, lease, holder, ids, seqs)
        select ${nextClaim(s)}, v_now, v_now + p_lease * interval '1 ms', p_lease, p_holder, array[taken.id], array[taken.seq]
        from taken returning c.claim, c.ids[1] as id
    )`,
  job: /* sql */ `select json_build_array(${claimedColumns('claimed.claim', 'j.payload')}, null, octet_length(j.payload::text))::text
      from claimed cross join lateral (select * from ${s}.jobs as o where o.id = claimed.id offset 0) as j`,
})

const settlingOne = (s: string): string => {
  const together = claimOne(
    s,
    `exists (select from settled where links is null) and not exists (select from ${s}.job_slots)`,
  )
  const after = claimOne(s, 'true')
  return /* sql */ `
-- For workers that run one job after another: settles the only job of a claim as DONE, and claims one of one kind. Returns the
-- claimed job as JSON, after 'lost' and 'slow' where they apply. A text, since each column of a row costs driver and server.
create function ${s}.settle_one_and_claim(
  p_id text, p_claim bigint, p_result text, p_now float8, p_kind text, p_lease float8, p_holder integer, p_max_bytes float8,
  p_or_one boolean
) returns text language plpgsql ${BY_INDEX} as $$
declare
  v_now timestamptz := ${s}.store_time(p_now);
  v_settled boolean;
  v_links smallint;
  v_job text;
  v_lost text;
begin
  -- In one statement, since each costs more than most of what it does. Settles as settle_only_job.
  with held as (
    delete from ${s}.job_claims as c where c.claim = p_claim and c.ids = array[p_id] returning c.seqs[1] as seq, c.claimed_at
  ), settled as (
    update ${s}.jobs as j set status = 'DONE', result = p_result::json, last_error = null, updated_at = v_now, claim = p_claim,
      crashes = 0, attempts_done = j.attempts_done + 1, last_attempt_at = held.claimed_at
      from held where j.id = p_id and j.seq = held.seq and j.status = 'PENDING' returning j.links
  ), ${together.ctes}
    select (select true from settled), (select links from settled), (${together.job}) into v_settled, v_links, v_job;
  if v_job is null then
    if v_settled is null then
      v_lost := ${s}.settle_jobs(array[p_id], array[p_claim], '{}', array[p_result], '{}', '{}', '{}', '{}', '{}', '{}',
        array[p_claim], p_now);
    else
      if v_links is not null then perform ${s}.end_done_jobs(array[p_id], array[v_links], v_now); end if;
      if exists (select from ${s}.job_slots) then perform ${s}.release_slots(array[p_id], array[p_claim]); end if;
    end if;
    with ${after.ctes}
      ${after.job} into v_job;
  end if;
  if v_lost is null and clock_timestamp() - v_now < interval '${SLOW_MS} ms' then return v_job; end if;
  return concat(case when v_lost is not null then '${LOST}' end,
    case when p_now is null and clock_timestamp() - v_now > interval '${SLOW_MS} ms' then '${SLOW}' end, v_job);
end $$;
`
}

const settlingSome = (s: string): string => /* sql */ `
-- For all other batches.
create function ${s}.settle_some_and_claim(
  p_ids text[], p_claims bigint[], p_statuses text[], p_results text[], p_errors text[], p_run_ats float8[],
  p_delays float8[], p_counted boolean[], p_stopped boolean[], p_attempts integer[], p_finished bigint[], p_now float8,
  p_kinds text[], p_limit integer, p_lease float8, p_holder integer, p_max_bytes float8, p_or_one boolean
) returns table (${CLAIMED}) language plpgsql ${BY_INDEX} as $$
declare
  v_now timestamptz;
  v_began timestamptz;
begin
  o_payload := ${s}.settle_jobs(p_ids, p_claims, p_statuses, p_results, p_errors, p_run_ats, p_delays, p_counted, p_stopped,
    p_attempts, p_finished, p_now);
  if o_payload is not null then
    o_kind := '${LOST}';
    return next;
  end if;
  v_now := ${s}.store_time(p_now);
  v_began := clock_timestamp();
  return query
    with first as (
      select each.* from unnest(p_kinds) as k (kind), lateral (
        select w.ctid as place, w.priority, w.run_at, w.seq, w.note, w.ids from ${s}.jobs_waiting as w
        where w.kind = k.kind and w.due and ${isPlain(s, '= any (p_kinds)')}
        order by w.priority desc, w.run_at, w.seq limit p_limit for update skip locked
      ) as each
      order by each.priority desc, each.run_at, each.seq limit p_limit
    ), fitting as (
      select from first having bool_and(${isPlainRow('first')})
        and (p_max_bytes is null or coalesce(sum((first.note).bytes), 0) <= p_max_bytes or (p_or_one and count(*) = 1))
    ), taken as (
      delete from ${s}.jobs_waiting as w
        where w.ctid = any (array(select first.place from first)) and exists (select from fitting)
        returning w.id, w.priority, w.run_at, w.seq
    ), claimed as (
      insert into ${s}.job_claims as c (claim, claimed_at, expires_at, lease, holder, ids, seqs)
        select ${nextClaim(s)}, v_now, v_now + p_lease * interval '1 ms', p_lease, p_holder,
          array_agg(taken.id order by taken.priority desc, taken.run_at, taken.seq),
          array_agg(taken.seq order by taken.priority desc, taken.run_at, taken.seq)
        from taken having count(*) > 0 returning c.claim, c.ids
    )
    select ${claimedColumns('claimed.claim')}, null::integer
    from claimed cross join lateral unnest(claimed.ids) as one (id)
      cross join lateral (select * from ${s}.jobs as o where o.id = one.id offset 0) as j;
  ${endOfClaim}
end $$;
`
