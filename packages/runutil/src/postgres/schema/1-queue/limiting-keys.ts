import { BY_HASH, BY_INDEX } from '../plan-settings.ts'

/** A claim of a kind whose keys are limited walks past at most so many jobs. */
const WALK = 4_096
/** So many at first, whatever is full. */
const FIRST = 64
/** From the beginning so many, and then so many, when it goes on where another stopped. */
const SHORT_WALK = 512
const FURTHER = 2_048
/** So many keys it looks at by themselves then; the next one looks at those after them. */
const KEYS = 64

/** How many jobs of one key of a kind may run. */
export const limitingKeys = (s: string): string => /* sql */ `
-- As first_jobs, of a kind of which at most p_each may run for each key. It walks past jobs of full keys, and never far.
-- Where a tenant's backlog is longer, it goes on where the last claim stopped, and looks at some keys by themselves, so that
-- no backlog holds others back for good; the order is then only nearly kept.
create function ${s}.first_jobs_by_key(p_kind text, p_limit integer, p_limits ${s}.job_limits)
returns table (place tid, id text, priority integer, run_at timestamptz, seq bigint) language plpgsql
${BY_HASH} as $$
declare
  v_each integer := p_limits.key_concurrency;
  -- Mostly there is room for the first ones: then it doesn't matter how many keys are full.
  v_full text[];
  v_take integer := greatest(${FIRST}, 4 * p_limit);
  v_walked integer := v_take;
  v_walk integer := greatest(case when p_limits.after_seq is null then ${WALK} else ${SHORT_WALK} end, v_take);
  v_found integer;
  v_goes_on boolean;
  v_places tid[];
begin
  loop
    -- Of keys that aren't full yet, several may wait for one place: then more are looked at. The last of the walk tells
    -- that it goes on.
    select count(*), bool_or(c.nth = v_walked), (array_agg(c.place order by c.nth) filter (where c.fits))[1:p_limit]
      into v_found, v_goes_on, v_places from (
      select w.*, w.key is null or case when w.turn <= v_each then v_each >= w.turn + (
        select count(*) from (
          select from ${s}.job_slots as o where o.kind = p_kind and o.key = w.key limit v_each
        ) as running
      ) else false end as fits
      from (
        select o.*, row_number() over (partition by o.key order by o.nth) as turn from (
          select f.* from (
            select j.ctid as place, j.key, row_number() over () as nth from (
              select j.ctid, j.key from ${s}.jobs_waiting as j where j.kind = p_kind and j.due
              order by j.priority desc, j.run_at, j.seq limit v_walked
            ) as j
          ) as f where f.key is null or f.nth = v_walked or f.key not in (select unnest(v_full)) limit v_take
        ) as o
      ) as w
    ) as c;
    exit when cardinality(v_places) = p_limit or v_walked = v_walk and (v_found < v_take or v_take = v_walk)
      or v_walked < v_walk and v_goes_on is not true;
    if v_walked = v_walk then
      v_take := least(v_walk, 8 * v_take);
    else
      v_full := ${s}.full_keys(p_kind, v_each);
      v_walked := v_walk;
    end if;
  end loop;
  if v_goes_on and coalesce(cardinality(v_places), 0) < p_limit then
    v_full := coalesce(v_full, ${s}.full_keys(p_kind, v_each));
    v_places := v_places || ${s}.places_further_on(p_kind, p_limit, v_walk, p_limits, v_full)
      || ${s}.places_of_some_keys(p_kind, p_limit, p_limits);
  end if;
  select array_agg(c.ctid) into v_places from (
    select w.ctid, w.key, row_number() over (partition by w.key order by w.priority desc, w.run_at, w.seq)
      + (select count(*) from ${s}.job_slots as o where o.kind = p_kind and o.key = w.key) as nth
    from ${s}.jobs_waiting as w where w.ctid = any (v_places)
  ) as c where c.key is null or c.nth <= v_each;
  return query select w.ctid, w.id, w.priority, w.run_at, w.seq from ${s}.jobs_waiting as w
    where w.ctid = any (v_places) for update skip locked;
end $$;

-- The keys of which p_each jobs run.
create function ${s}.full_keys(p_kind text, p_each integer) returns text[] language plpgsql ${BY_INDEX} as $$
begin
  if p_each = 1 then
    return array(select o.key from ${s}.job_slots as o where o.kind = p_kind and o.key is not null);
  end if;
  return array(
    select o.key from ${s}.job_slots as o where o.kind = p_kind and o.key is not null
    group by o.key having count(*) >= p_each
  );
end $$;

-- The first jobs of keys that aren't full, of the next ${FURTHER} that wait where the last claim stopped that came here.
create function ${s}.places_further_on(
  p_kind text, p_limit integer, p_walked integer, p_limits ${s}.job_limits, p_full text[]
) returns tid[] language plpgsql ${BY_HASH} as $$
declare
  v_places tid[];
  v_first bigint;
  v_last bigint;
  v_priorities integer[];
  v_times timestamptz[];
  v_seqs bigint[];
begin
  if p_limits.after_seq is null then
    -- The next claim goes on where this one has walked to.
    v_last := 1;
    select array[w.priority], array[w.run_at], array[w.seq] into v_priorities, v_times, v_seqs
      from ${s}.jobs_waiting as w where w.kind = p_kind and w.due
      order by w.priority desc, w.run_at, w.seq offset p_walked - 1 limit 1;
  else
    select (array_agg(w.place) filter (where w.open))[1:p_limit], min(w.nth) filter (where w.open),
        array_agg(w.priority), array_agg(w.run_at), array_agg(w.seq)
      into v_places, v_first, v_priorities, v_times, v_seqs from (
      select w.*, row_number() over () as nth, w.key is null or w.key not in (select unnest(p_full)) as open from (
        (select w.ctid as place, w.key, w.priority, w.run_at, w.seq from ${s}.jobs_waiting as w
          where w.kind = p_kind and w.due and w.priority = p_limits.after_priority
            and (w.run_at, w.seq) > (p_limits.after_run_at, p_limits.after_seq)
          order by w.run_at, w.seq limit ${FURTHER})
        union all
        (select w.ctid as place, w.key, w.priority, w.run_at, w.seq from ${s}.jobs_waiting as w
          where w.kind = p_kind and w.due and w.priority < p_limits.after_priority
          order by w.priority desc, w.run_at, w.seq limit ${FURTHER})
        limit ${FURTHER}
      ) as w
    ) as w;
    if v_first = 1 then return v_places; end if;
    -- Beyond the end there is none: then the next claim begins anew.
    v_last := coalesce(v_first - 1, ${FURTHER});
  end if;
  update ${s}.job_limits
    set after_priority = v_priorities[v_last], after_run_at = v_times[v_last], after_seq = v_seqs[v_last]
    where kind = p_kind;
  return v_places;
end $$;

-- The first jobs of some keys that aren't full, of those after the ones that it looked at the last time.
create function ${s}.places_of_some_keys(
  p_kind text, p_limit integer, p_limits ${s}.job_limits
) returns tid[] language plpgsql ${BY_INDEX} as $$
declare
  v_start text := coalesce(p_limits.after_key, '');
  v_key text := v_start;
  v_wrapped boolean := v_start = '';
  v_some text[] := '{}';
begin
  for i in 1..${KEYS} loop
    select w.key into v_key from ${s}.jobs_waiting as w
      where w.kind = p_kind and w.due and w.key is not null and w.key > v_key order by w.key limit 1;
    if not found then
      exit when v_wrapped;
      v_wrapped := true;
      v_key := '';
      continue;
    end if;
    exit when v_wrapped and v_start <> '' and v_key > v_start;
    v_some := v_some || v_key;
  end loop;
  update ${s}.job_limits set after_key = v_some[cardinality(v_some)] where kind = p_kind;
  return array(
    select f.ctid from unnest(v_some) as given (key), lateral (
      -- A range, and ordered by it: else the planner may walk all that is due for the one key.
      select w.ctid from ${s}.jobs_waiting as w
      where w.kind = p_kind and w.key >= given.key and w.key <= given.key and w.due and w.key is not null
      order by w.key, w.priority desc, w.run_at, w.seq
      limit greatest(0, least(p_limit, p_limits.key_concurrency
        - (select count(*) from ${s}.job_slots as o where o.kind = p_kind and o.key = given.key)))
    ) as f
  );
end $$;
`
