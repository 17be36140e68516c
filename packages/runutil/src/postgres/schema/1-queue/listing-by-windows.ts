import { PINNED, asFilter } from '../plan-settings.ts'
import { MOST_LOOKED_AT, PAGE, matches, position } from './job-query-type.ts'

/** A page that has so few jobs left to look at ends, rather than search for a window that is small enough. */
const FEW = 1_000
/** Windows grow while they have fewer jobs than this. */
const SPARSE = 500
const FIRST = /* sql */ `interval '1 min'`
const LARGEST = /* sql */ `interval '100 years'`
/** Windows that are as small as this are read whatever they have. */
const LEAST = /* sql */ `interval '1 ms'`
/** Whatever the windows have cost by then, the page ends. */
const MOST_TIME = /* sql */ `interval '1 s'`

/** Made once; only by the BRIN index, whatever the statistics say. Compiling a plan would take longer than running it. */
const BY_BRIN = `${PINNED} set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_indexscan = off
  set enable_indexonlyscan = off set enable_mergejoin = off set jit = off`

/**
 * Finding jobs by the BRIN index, which gives a window of time without order: the newest window first, each larger than the last
 * until it has enough jobs, and smaller again when it has more than the page may look at.
 */
export const listingByWindows = (s: string): string => /* sql */ `
create function ${s}.find_by_insertion(p_query ${s}.job_query, p_limit integer, p_after text, p_now float8, ${PAGE})
language plpgsql stable ${BY_BRIN} as $$
${byWindows(s, { at: 'created_at', range: 'created', tie: 'seq', tieType: 'bigint', least: '0' })}
$$;

create function ${s}.find_by_end(p_query ${s}.job_query, p_limit integer, p_after text, p_now float8, ${PAGE})
language plpgsql stable ${BY_BRIN} as $$
${byWindows(s, { at: 'updated_at', range: 'ended', tie: 'id', tieType: 'text', least: `''` })}
$$;
`

interface Order {
  /** The column of the times. */
  readonly at: string
  /** Of the query. */
  readonly range: string
  /** The column that orders jobs of one time. */
  readonly tie: string
  readonly tieType: string
  /** Not greater than any tie. */
  readonly least: string
}

const byWindows = (s: string, { at, range, tie, tieType, least }: Order): string => /* sql */ `declare
  v_until timestamptz := clock_timestamp() + ${MOST_TIME};
  v_floor timestamptz := greatest(p_query.${range}_from, timestamptz 'epoch' - interval '1 s');
  -- Jobs before (v_at, v_tie), with times from v_low on.
  v_at timestamptz := least(coalesce(${s}.time_of(p_after), 'infinity'), p_query.${range}_before);
  v_tie ${tieType} := case when p_after is null or v_at < ${s}.time_of(p_after) then ${least}
    else ${s}.tie_of(p_after)::${tieType} end;
  v_low timestamptz;
  v_width interval := ${FIRST};
  v_left integer := ${MOST_LOOKED_AT};
  v_window record;
begin
  ids := '{}';
  seqs := '{}';
  while v_at > v_floor loop
    v_low := greatest(least(v_at, ${s}.store_time(p_now)) - v_width, v_floor);
    with held as materialized (
      select u.id, u.seq from ${s}.job_claims as c, unnest(c.ids, c.seqs) as u (id, seq)
      where p_query.status in ('WAITING', 'RUNNING') and u.id is not null
    ), looked_at as materialized (
      select j.seq, j.id, j.${at} as at, ${matches('j', 'p_query')} and case p_query.status
          when 'RUNNING' then (j.id, j.seq) in (select h.id, h.seq from held as h)
          when 'WAITING' then (j.id, j.seq) not in (select h.id, h.seq from held as h)
            and not exists (select from ${s}.jobs_blocked as b where b.id = j.id and ${asFilter('b.failed_by is null')})
          when 'BLOCKED' then exists (select from ${s}.jobs_blocked as b where b.id = j.id and ${asFilter('b.failed_by is null')})
          else true
        end as is_found
      from ${s}.jobs as j
      where j.${at} >= v_low and j.${at} <= v_at and (j.${at} < v_at or j.${tie} < v_tie)
        -- Windows of other times have no jobs, so that the next ones grow.
        and j.created_at >= coalesce(p_query.created_from, '-infinity')
        and j.created_at < coalesce(p_query.created_before, 'infinity')
        and j.updated_at >= coalesce(p_query.ended_from, '-infinity')
        and j.updated_at < coalesce(p_query.ended_before, 'infinity')
      limit case when v_width > ${LEAST} then v_left + 1 end
    ), found as (
      select l.id, l.seq, l.at from looked_at as l where l.is_found
      order by l.at desc, l.${tie} desc limit p_limit - cardinality(ids)
    )
    select coalesce(array_agg(f.id order by f.at desc, f.${tie} desc), '{}') as ids,
        coalesce(array_agg(f.seq order by f.at desc, f.${tie} desc), '{}') as seqs,
        (select ${position('l.at', `l.${tie}`)} from found as l order by l.at, l.${tie} limit 1) as last,
        (select count(*) from looked_at) as looked_at
      into v_window from found as f;
    if v_window.looked_at > v_left and v_width > ${LEAST} then
      v_width := greatest(v_width / 16, ${LEAST});
    else
      ids := ids || v_window.ids;
      seqs := seqs || v_window.seqs;
      v_left := v_left - v_window.looked_at;
      v_at := v_low;
      v_tie := ${least};
      if cardinality(ids) >= p_limit then
        next := v_window.last;
        return;
      end if;
      if v_window.looked_at < ${SPARSE} then v_width := least(v_width * 8, ${LARGEST}); end if;
      if v_left < ${FEW} or clock_timestamp() > v_until then
        if v_at > v_floor then next := ${position('v_at', 'v_tie')}; end if;
        return;
      end if;
    end if;
  end loop;
end`
