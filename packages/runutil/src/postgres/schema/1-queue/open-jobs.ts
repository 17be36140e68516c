import { BY_HASH, PINNED } from '../plan-settings.ts'

/** The position before all waiting jobs. */
export const FIRST_PLACE = (s: string): string => `row(2147483648, '-infinity', 0)::${s}.job_place`

/** Finds the waiting jobs of a kind with key limits that may start, among and behind those with full keys. */
export const openJobs = (s: string): string => /* sql */ `
create function ${s}.is_before(p_one ${s}.job_place, p_other ${s}.job_place) returns boolean language plpgsql
${PINNED} as $$
begin
  return (- p_one.priority, p_one.run_at, p_one.seq) < (- p_other.priority, p_other.run_at, p_other.seq);
end $$;

-- The first p_wanted jobs behind p_after that may start. Scans the next p_scan waiting jobs, and of these considers the first
-- p_rows whose keys aren't in p_skip. Returns also where the first found job is, how far it has searched, whether that was
-- everything, and, when it found fewer than wanted, which keys were full. Stable, so that all of it sees one snapshot.
create function ${s}.open_jobs(
  p_kind text, p_each integer, p_wanted integer, p_after ${s}.job_place, p_rows integer, p_scan integer, p_skip text[],
  out places tid[], out first ${s}.job_place, out full_keys text[], out reached ${s}.job_place, out ended boolean
) language plpgsql stable ${BY_HASH} as $$
declare
  v_priority bigint := p_after.priority;
  v_run_at timestamptz := p_after.run_at;
  v_seq bigint := p_after.seq;
  v_scan record;
  v_last ${s}.job_place;
begin
  with scanned as materialized (
    select w.*, row_number() over () as nth from (
      select a.* from (
        (select w.ctid as place, w.key, w.priority, w.run_at, w.seq from ${s}.jobs_waiting as w
          where w.kind = p_kind and w.due and w.ids is null and w.priority = v_priority and (w.run_at, w.seq) > (v_run_at, v_seq)
          order by w.run_at, w.seq limit p_scan)
        union all
        (select w.ctid as place, w.key, w.priority, w.run_at, w.seq from ${s}.jobs_waiting as w
          where w.kind = p_kind and w.due and w.ids is null and w.priority < v_priority
          order by w.priority desc, w.run_at, w.seq limit p_scan)
        limit p_scan
      ) as a where a.key is null or a.key not in (select unnest(p_skip)) limit p_rows
    ) as w
  ), candidates as materialized (
    select k.place, k.key, k.nth, k.turn from (
      select w.*, row_number() over (partition by w.key order by w.nth) as turn from scanned as w
    ) as k where k.key is null or k.turn <= p_each order by k.nth limit p_rows
  ), open as materialized (
    -- Counts the running jobs of one candidate's key after another, until p_wanted jobs may start.
    select k.place, k.key, k.nth from candidates as k where k.key is null or p_each >= k.turn + (
      select count(*) from (
        select from ${s}.job_slots as o where o.kind = p_kind and o.key = k.key limit p_each
      ) as running
    ) limit p_wanted
  ), found as (
    select coalesce(array_agg(o.place order by o.nth), '{}') as places, min(o.nth) as first, max(o.nth) as last,
      (select count(*) from scanned) as scanned
    from open as o
  )
  select found.places, found.scanned, cardinality(found.places) < p_wanted as is_short,
      (select row(w.priority, w.run_at, w.seq)::${s}.job_place from scanned as w where w.nth = found.first) as first,
      (select row(w.priority, w.run_at, w.seq)::${s}.job_place from scanned as w where w.nth =
        case when cardinality(found.places) < p_wanted then found.scanned else found.last end) as reached,
      case when cardinality(found.places) < p_wanted then array(
        -- Not "not exists", which would compare each with each.
        select k.key from candidates as k where k.turn = 1 and k.key is not null
        and k.key not in (select o.key from open as o where o.key is not null)
      ) end as full_keys
    into v_scan from found;
  places := v_scan.places;
  first := v_scan.first;
  full_keys := case when v_scan.is_short then v_scan.full_keys else '{}' end;
  reached := coalesce(v_scan.reached, p_after);
  ended := v_scan.scanned < p_rows;
  if ended and p_skip <> '{}' then
    select w.priority, w.run_at, w.seq into v_last from (
      (select w.priority, w.run_at, w.seq from ${s}.jobs_waiting as w
        where w.kind = p_kind and w.due and w.ids is null and w.priority = v_priority and (w.run_at, w.seq) > (v_run_at, v_seq)
        order by w.run_at, w.seq limit p_scan)
      union all
      (select w.priority, w.run_at, w.seq from ${s}.jobs_waiting as w
        where w.kind = p_kind and w.due and w.ids is null and w.priority < v_priority
        order by w.priority desc, w.run_at, w.seq limit p_scan)
    ) as w offset p_scan - 1 limit 1;
    -- With p_scan jobs scanned, there may be more behind them.
    ended := not found;
    if not ended and v_scan.is_short then reached := v_last; end if;
  end if;
end $$;
`
