import { BY_INDEX, PINNED } from '../plan-settings.ts'
import { MOST_LOOKED_AT, PAGE, matches, position } from './job-query-type.ts'
import { listingByWindows } from './listing-by-windows.ts'

/**
 * Finding jobs by a query, a page at a time.
 *
 * Jobs that failed, run or wait are in tables of their own, which are read where they are small enough. All others are found by the
 * BRIN index of `jobs`, from one window of time to the next. That costs an enqueued or ended job 1 % at most; a B-tree, 15 %.
 */
export const listing = (s: string): string => /* sql */ `
${listingByWindows(s)}

-- A page of what a query finds, as JSON of a job_query, in the order of JobStore.list. Stable, so that all of it sees one
-- snapshot.
create function ${s}.find_jobs(p_query text, p_limit integer, p_after text, p_now float8, ${PAGE})
language plpgsql stable ${PINNED} as $$
declare
  v_query ${s}.job_query := json_populate_record(null::${s}.job_query, p_query::json);
  v_few record;
begin
  if v_query.status in ('FAILED', 'PANIC') then
    select * into ids, seqs, next from ${s}.find_failed(v_query, p_limit, p_after);
    return;
  elsif v_query.status = 'DONE' then
    select * into ids, seqs, next from ${s}.find_by_end(v_query, p_limit, p_after, p_now);
    return;
  elsif v_query.status is not null then
    select * into v_few from ${s}.open_candidates(v_query);
  elsif v_query.id_prefix is not null then
    select * into v_few from ${s}.candidates_by_id(v_query.id_prefix);
  else
    select null::text[] as ids into v_few;
  end if;
  if v_few.ids is null then
    select * into ids, seqs, next from ${s}.find_by_insertion(v_query, p_limit, p_after, p_now);
  else
    select * into ids, seqs, next from ${s}.find_among(v_query, p_limit, p_after, v_few.ids, v_few.seqs);
  end if;
end $$;

-- The jobs that are where the status says; null where that are too many to look at them all.
create function ${s}.open_candidates(p_query ${s}.job_query, out ids text[], out seqs bigint[])
language plpgsql stable ${BY_INDEX} set jit = off as $$
declare
  v_waiting boolean := p_query.status in ('PENDING', 'WAITING');
  v_rows integer;
begin
  with later as materialized (
    -- All of them, since the index on those that aren't due has no kinds.
    select w.id, w.seq, w.ids, w.seqs, w.kind from ${s}.jobs_waiting as w
    where v_waiting and not w.due and p_query.kind is not null limit ${MOST_LOOKED_AT + 1}
  ), waiting as (
    select w.id, w.seq, w.ids, w.seqs from later as w where w.kind = p_query.kind
    union all
    (select w.id, w.seq, w.ids, w.seqs from ${s}.jobs_waiting as w
      where v_waiting and w.due and w.kind = p_query.kind limit ${MOST_LOOKED_AT + 1})
    union all
    (select w.id, w.seq, w.ids, w.seqs from ${s}.jobs_waiting as w
      where v_waiting and p_query.kind is null limit ${MOST_LOOKED_AT + 1})
  ), open as (
    (select u.id, u.seq from ${s}.job_claims as c, unnest(c.ids, c.seqs) as u (id, seq)
      where p_query.status in ('PENDING', 'RUNNING') and u.id is not null)
    union all
    (select u.id, coalesce(w.seqs[u.nth], w.seq + u.nth - 1) from waiting as w,
      unnest(coalesce(w.ids, array[w.id])) with ordinality as u (id, nth))
    union all
    (select b.id, b.seq from ${s}.jobs_blocked as b
      where p_query.status in ('PENDING', 'BLOCKED') and b.failed_by is null and (p_query.kind is null or b.kind = p_query.kind)
      limit ${MOST_LOOKED_AT + 1})
    limit ${MOST_LOOKED_AT + 1}
  )
  select coalesce(array_agg(o.id), '{}'), coalesce(array_agg(o.seq), '{}'),
      greatest(count(*), (select count(*) from later))
    into ids, seqs, v_rows from open as o;
  if v_rows > ${MOST_LOOKED_AT} then ids := null; end if;
end $$;

-- Those whose ids begin like this; null where they are too many.
create function ${s}.candidates_by_id(p_prefix text, out ids text[], out seqs bigint[])
language plpgsql stable ${BY_INDEX} as $$
begin
  select coalesce(array_agg(o.id), '{}'), coalesce(array_agg(o.seq), '{}') into ids, seqs from (
    select j.id, j.seq from ${s}.jobs as j where j.id >= p_prefix order by j.id limit ${MOST_LOOKED_AT + 1}
  ) as o where starts_with(o.id, p_prefix);
  if cardinality(ids) > ${MOST_LOOKED_AT} then ids := null; end if;
end $$;

-- A page of those of the given jobs that the query finds; they are where its status says. By seq alone, which is the order of
-- created_at but for calls at one time and after the clock was set.
create function ${s}.find_among(
  p_query ${s}.job_query, p_limit integer, p_after text, p_ids text[], p_seqs bigint[], ${PAGE}
) language plpgsql stable ${BY_INDEX} as $$
declare
  v_after bigint := ${s}.tie_of(p_after)::bigint;
  v_created timestamptz[];
begin
  select array_agg(f.id), array_agg(f.seq), array_agg(f.created_at) into ids, seqs, v_created from (
    select given.id, given.seq, found.created_at from (
      select o.id, o.seq from unnest(p_ids, p_seqs) as o (id, seq) where v_after is null or o.seq < v_after
      order by o.seq desc
    ) as given
    cross join lateral (
      select o.created_at from ${s}.jobs as o
      where o.id = given.id and o.seq = given.seq and ${matches('o', 'p_query')} offset 0
    ) as found
    order by given.seq desc limit p_limit
  ) as f;
  if cardinality(ids) = p_limit then next := ${position('v_created[p_limit]', 'seqs[p_limit]')}; end if;
end $$;

create function ${s}.jobs_in_order(p_ids text[], p_seqs bigint[]) returns setof ${s}.jobs
language plpgsql stable ${BY_INDEX} as $$
begin
  return query select j.* from unnest(p_ids, p_seqs) with ordinality as given (id, seq, place)
    cross join lateral (select o.* from ${s}.jobs as o where o.id = given.id and o.seq = given.seq offset 0) as j
    order by given.place;
end $$;
`
