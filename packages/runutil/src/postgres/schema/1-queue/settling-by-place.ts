import { BY_INDEX } from '../plan-settings.ts'

/** The code of an error: a place has another job by now; settling by id finds the right one. */
export const TAKEN_PLACE = 'RU003'

/** From how many jobs a range on each range has a statement of its own. */
const LONG_RANGE = 16

/** Settling jobs by their places in claims, which is faster than by their ids. */
export const settlingByPlace = (s: string): string => /* sql */ `
-- Settles as DONE the jobs at places p_froms[n] to p_tos[n] of p_claims[n], p_count in all; p_results has their results in this
-- order, or is empty. Returns whether it found all of them; if not, settle_jobs does the rest and finishes the claims.
create function ${s}.settle_places(
  p_claims bigint[], p_froms integer[], p_tos integer[], p_results text[], p_count integer, p_finished bigint[], p_now float8
) returns boolean language plpgsql ${BY_INDEX} as $$
declare
  v_now timestamptz := ${s}.store_time(p_now);
  v_results text[] := p_results;
  v_settled bigint := 0;
  v_linked text[];
  v_links smallint[];
  v_held record;
  v_found record;
begin
  -- The places of their limits are given back by id.
  if exists (select from ${s}.job_slots) then return false; end if;
  perform ${s}.lock_leases(p_claims, p_finished <> '{}');
  if p_results = '{}' and p_count >= ${LONG_RANGE} * cardinality(p_claims) then
    for v_held in
      select c.claim, c.claimed_at as since, c.tids[given.first:given.last] as tids, c.seqs[given.first:given.last] as seqs
      from unnest(p_claims, p_froms, p_tos) as given (claim, first, last) join ${s}.job_claims as c on c.claim = given.claim
    loop
      -- In the order of the table, of which each place is looked up once: a join would ask for the size of the table for each.
      with settled as (
        update ${s}.jobs as j set status = 'DONE', result = null, last_error = null, updated_at = v_now, claim = v_held.claim,
          crashes = 0, attempts_done = j.attempts_done + 1, last_attempt_at = v_held.since
        where j.ctid = any (v_held.tids) and j.status = 'PENDING'
        returning j.seq, case when j.links is not null then j.id end as linked, j.links
      ) select array_agg(seq) as seqs, array_agg(linked) filter (where linked is not null) as linked,
          array_agg(links) filter (where linked is not null) as links
        into v_found from settled;
      -- Another job may have taken the place of one that was removed.
      if v_found.seqs <> v_held.seqs and exists (select unnest(v_found.seqs) except select unnest(v_held.seqs)) then
        raise exception sqlstate '${TAKEN_PLACE}' using message = 'another job is in the place of a claimed one';
      end if;
      v_settled := v_settled + coalesce(cardinality(v_found.seqs), 0);
      v_linked := v_linked || v_found.linked;
      v_links := v_links || v_found.links;
    end loop;
  else
    with settled as (
      update ${s}.jobs as j set status = 'DONE', result = v_results[h.nth]::json, last_error = null, updated_at = v_now,
        claim = h.claim, crashes = 0, attempts_done = j.attempts_done + 1, last_attempt_at = h.since
      from (
        select c.claim, c.claimed_at as since, held.tid, held.seq,
          given.before + held.nth as nth
        from (
          select claim, first, last, sum(last - first + 1) over (order by place) - (last - first + 1) as before
          from unnest(p_claims, p_froms, p_tos) with ordinality as given (claim, first, last, place)
        ) as given
        join ${s}.job_claims as c on c.claim = given.claim
        cross join lateral unnest(c.tids[given.first:given.last], c.seqs[given.first:given.last]) with ordinality
          as held (tid, seq, nth)
      ) as h
      where j.ctid = h.tid and j.seq = h.seq and j.status = 'PENDING'
      returning case when j.links is not null then j.id end as linked, j.links
    ) select count(*), array_agg(linked) filter (where linked is not null), array_agg(links) filter (where linked is not null)
      into v_settled, v_linked, v_links from settled;
  end if;
  if v_linked is not null then perform ${s}.end_done_jobs(v_linked, v_links, v_now); end if;
  if v_settled < p_count then return false; end if;
  delete from ${s}.job_claims where claim = any (p_finished);
  return true;
end $$;
`
