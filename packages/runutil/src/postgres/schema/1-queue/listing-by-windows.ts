import { PINNED } from '../plan-settings.ts'
import { MOST_LOOKED_AT, PAGE, endPosition, matches } from './job-query-type.ts'

/** A page that has so few jobs left to look at ends, rather than search for a window that is small enough. */
const FEW = 1_000
/** Windows grow while they have fewer jobs than this. */
const SPARSE = 500
/** In calls of enqueue, and in ms. */
const FIRST_CALLS = 64
const FIRST_MS = 60_000
/** Windows that are as small as they get are read whatever they have: all jobs of one call, or that ended at one time. */
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
create function ${s}.find_by_insertion(p_query ${s}.job_query, p_limit integer, p_after bigint, ${PAGE})
language plpgsql stable ${BY_BRIN} as $$
declare
  v_until timestamptz := clock_timestamp() + ${MOST_TIME};
  -- The calls of enqueue from v_low on, and jobs before v_before.
  v_before bigint := coalesce(p_after, (pg_sequence_last_value('${s.replaceAll("'", "''")}.job_seq') + 1) << 20);
  v_low bigint;
  v_calls bigint := ${FIRST_CALLS};
  v_left integer := ${MOST_LOOKED_AT};
  v_window record;
begin
  ids := '{}';
  seqs := '{}';
  while v_before > 0 loop
    v_low := greatest(((v_before - 1) >> 20) - v_calls + 1, 0);
    with held as materialized (
      select u.id, u.seq from ${s}.job_claims as c, unnest(c.ids, c.seqs) as u (id, seq)
      where p_query.status in ('WAITING', 'RUNNING') and u.id is not null
    ), looked_at as materialized (
      select j.seq, j.id, ${matches('j', 'p_query')} and case p_query.status
          when 'RUNNING' then (j.id, j.seq) in (select h.id, h.seq from held as h)
          when 'WAITING' then (j.id, j.seq) not in (select h.id, h.seq from held as h)
            and not exists (select from ${s}.jobs_blocked as b where b.id = j.id and b.failed_by is null)
          when 'BLOCKED' then exists (select from ${s}.jobs_blocked as b where b.id = j.id and b.failed_by is null)
          else true
        end as is_found
      from ${s}.jobs as j
      where (j.seq >> 20) >= v_low and (j.seq >> 20) <= (v_before - 1) >> 20 and j.seq < v_before
        -- Windows of other times have no jobs, so that the next ones grow.
        and j.created_at >= coalesce(p_query.created_from, '-infinity')
        and j.created_at < coalesce(p_query.created_before, 'infinity')
        and j.updated_at >= coalesce(p_query.ended_from, '-infinity')
      limit case when v_calls > 1 then v_left + 1 end
    ), found as (
      select l.id, l.seq from looked_at as l where l.is_found order by l.seq desc limit p_limit - cardinality(ids)
    )
    select coalesce(array_agg(f.id order by f.seq desc), '{}') as ids, coalesce(array_agg(f.seq order by f.seq desc), '{}') as seqs,
        (select count(*) from looked_at) as looked_at
      into v_window from found as f;
    if v_window.looked_at > v_left and v_calls > 1 then
      v_calls := greatest(v_calls / 16, 1);
    else
      ids := ids || v_window.ids;
      seqs := seqs || v_window.seqs;
      v_left := v_left - v_window.looked_at;
      v_before := v_low << 20;
      if cardinality(ids) >= p_limit then
        next := seqs[p_limit];
        return;
      end if;
      if v_window.looked_at < ${SPARSE} then v_calls := v_calls * 4; end if;
      if v_left < ${FEW} or clock_timestamp() > v_until then
        next := nullif(v_before, 0);
        return;
      end if;
    end if;
  end loop;
end $$;

create function ${s}.find_by_end(p_query ${s}.job_query, p_limit integer, p_after text, p_now float8, ${PAGE})
language plpgsql stable ${BY_BRIN} as $$
declare
  v_until timestamptz := clock_timestamp() + ${MOST_TIME};
  v_floor timestamptz := greatest(p_query.ended_from, timestamptz 'epoch' - interval '1 s');
  -- Jobs before (v_at, v_id), which ended at v_low or later.
  v_at timestamptz := least(coalesce(${s}.end_time_of(p_after), 'infinity'), p_query.ended_before);
  v_id text := case when p_after is null or v_at < ${s}.end_time_of(p_after) then '' else ${s}.end_id_of(p_after) end;
  v_low timestamptz;
  v_width interval := ${FIRST_MS} * interval '1 ms';
  v_left integer := ${MOST_LOOKED_AT};
  v_window record;
begin
  ids := '{}';
  seqs := '{}';
  while v_at > v_floor loop
    v_low := greatest(least(v_at, ${s}.store_time(p_now)) - v_width, v_floor);
    with looked_at as materialized (
      select j.seq, j.id, j.updated_at, ${matches('j', 'p_query')} as is_found from ${s}.jobs as j
      where j.updated_at >= v_low and j.updated_at <= v_at and (j.updated_at < v_at or j.id < v_id)
      limit case when v_width > ${LEAST} then v_left + 1 end
    ), found as (
      select l.id, l.seq, l.updated_at from looked_at as l where l.is_found
      order by l.updated_at desc, l.id desc limit p_limit - cardinality(ids)
    )
    select coalesce(array_agg(f.id order by f.updated_at desc, f.id desc), '{}') as ids,
        coalesce(array_agg(f.seq order by f.updated_at desc, f.id desc), '{}') as seqs,
        (select ${endPosition('l.updated_at', 'l.id')} from found as l order by l.updated_at, l.id limit 1) as last,
        (select count(*) from looked_at) as looked_at
      into v_window from found as f;
    if v_window.looked_at > v_left and v_width > ${LEAST} then
      v_width := greatest(v_width / 16, ${LEAST});
    else
      ids := ids || v_window.ids;
      seqs := seqs || v_window.seqs;
      v_left := v_left - v_window.looked_at;
      v_at := v_low;
      v_id := '';
      if cardinality(ids) >= p_limit then
        next := v_window.last;
        return;
      end if;
      if v_window.looked_at < ${SPARSE} then v_width := least(v_width * 8, interval '100 years'); end if;
      if v_left < ${FEW} or clock_timestamp() > v_until then
        if v_at > v_floor then next := ${endPosition('v_at', 'v_id')}; end if;
        return;
      end if;
    end if;
  end loop;
end $$;
`
