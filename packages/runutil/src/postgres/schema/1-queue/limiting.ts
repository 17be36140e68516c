import { SLACK } from '../store-time.ts'
import { limitingKeys } from './limiting-keys.ts'
import { RULES_TTL } from './rules-ttl.ts'
import { BY_INDEX, PINNED, lookedUp } from '../plan-settings.ts'

/**
 * How many jobs of a kind may run or start, over all machines. However much is full, a claim reads only the jobs it
 * returns, the running jobs of a kind with a limit, and a bounded number of waiting jobs.
 */
export const limiting = (s: string): string =>
  [limitTables, limitingKeys, byRate, choosing].map((part) => part(s)).join('')

const limitTables = (s: string): string => /* sql */ `
-- The combined limits of live workers for each kind that has any; see job_rules.
create table ${s}.job_limits (
  kind text collate "C" primary key,
  concurrency integer,
  key_concurrency integer,
  -- One element per rate; rate_pers in ms.
  rate_limits integer[],
  rate_pers float8[],
  -- When the first of the rules that these limits come from expires, unless renewed.
  valid_until timestamptz not null
);
-- The running jobs of kinds that have limits, and those that were cancelled while they ran.
create table ${s}.job_slots (
  id text collate "C" not null,
  claim bigint not null,
  kind text collate "C" not null,
  key text collate "C",
  -- Of a job that was cancelled: its unique key, which is free when the handler has ended.
  unique_key text collate "C",
  primary key (id, claim)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
create index job_slots_by_kind on ${s}.job_slots (kind, key);
-- The latest starts of kinds that have a rate, one row per claim. Starts are numbered: with a rate of n, the next start has
-- to wait until the n-th before it has left the window. Within a kind, upto and at never decrease.
create table ${s}.job_starts (
  kind text collate "C" not null,
  -- The number of the row's last start.
  upto bigint not null,
  starts integer not null,
  at timestamptz not null,
  kept_until timestamptz not null,
  -- How far at was ahead of the clock, in ms.
  ahead float8 not null,
  claim bigint not null
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
create index job_starts_by_kind on ${s}.job_starts (kind, upto);
`

const byRate = (s: string): string => /* sql */ `
-- How many more jobs of a kind may start now, up to p_wanted.
create function ${s}.rate_room(
  p_kind text, p_limits integer[], p_pers float8[], p_wanted integer, p_now timestamptz
) returns integer language plpgsql ${PINNED} as $$
declare
  v_last bigint := coalesce(
    (select o.upto from ${s}.job_starts as o where o.kind = p_kind order by o.upto desc limit 1), 0);
  v_room integer := p_wanted;
  -- The start that has to leave the window before the next one.
  v_from bigint;
  -- The first from there on that is still in the window.
  v_first bigint;
begin
  for i in 1..cardinality(p_limits) loop
    v_room := least(v_room, p_limits[i]);
    v_from := v_last + 1 - p_limits[i];
    select o.upto - o.starts + 1 into v_first from (
      select * from ${s}.job_starts as o where o.kind = p_kind and o.upto >= v_from order by o.upto limit v_room
    ) as o where o.at > p_now - p_pers[i] * interval '1 ms' order by o.upto limit 1;
    if found then v_room := greatest(0, least(v_room, v_first - v_from)); end if;
    if v_room = 0 then return 0; end if;
  end loop;
  return v_room;
end $$;

-- In how many ms a rate lets the next ready job of these kinds start; null when no rate holds one back.
create function ${s}.rate_opens_in(p_kinds text[], p_now float8) returns float8 language plpgsql ${PINNED} as $$
declare
  v_now timestamptz := ${s}.store_time(p_now);
begin
  return (
    select min(ceil(extract(epoch from opens.at - v_now) * 1000)) from ${s}.job_limits as l, lateral (
      select o.upto from ${s}.job_starts as o where o.kind = l.kind order by o.upto desc limit 1
    ) as last, lateral (
      select max(o.at + rate.per * interval '1 ms') as at
      from unnest(l.rate_limits, l.rate_pers) as rate (most, per), lateral (
        select * from ${s}.job_starts as o where o.kind = l.kind and o.upto > last.upto - rate.most
        order by o.upto limit 1
      ) as o where o.upto - o.starts <= last.upto - rate.most
    ) as opens
    where l.kind = any (p_kinds) and opens.at > v_now
      and exists (select from ${s}.jobs_waiting as w where w.kind = l.kind and w.due)
  );
end $$;

-- Removes the starts of these claims, whose jobs are released unstarted.
create function ${s}.undo_starts(p_ids text[], p_claims bigint[]) returns void language plpgsql ${PINNED} as $$
declare
  v_kind text;
  v_start record;
begin
  for v_kind in
    select l.kind from ${s}.job_limits as l
    where l.rate_limits is not null and l.kind in (select j.kind from ${s}.jobs as j where j.id = any (p_ids))
    order by l.kind for update of l
  loop
    for v_start in
      select o.place, o.upto, o.starts from (
        select o.ctid as place, o.* from ${s}.job_starts as o where o.kind = v_kind order by o.upto desc limit 10000
      ) as o where o.claim = any (p_claims) order by o.upto desc
    loop
      delete from ${s}.job_starts where ctid = v_start.place;
      update ${s}.job_starts set upto = upto - v_start.starts where kind = v_kind and upto > v_start.upto;
    end loop;
  end loop;
end $$;
`

const choosing = (s: string): string => /* sql */ `
-- Of the places that a limit leaves, jobs beyond the p_startable that can start at once take at most half.
create function ${s}.limited_candidates(p_kind text, p_limit integer, p_startable integer, p_now timestamptz)
returns table (place tid, id text, priority integer, run_at timestamptz, seq bigint) language plpgsql ${PINNED} as $$
declare
  v_limits ${s}.job_limits;
  v_left integer := p_limit;
  v_room integer;
begin
  select * into v_limits from ${s}.job_limits as l where l.kind = p_kind;
  if v_limits.valid_until <= p_now or v_limits.valid_until > p_now + ${RULES_TTL} + ${SLACK} then
    perform ${s}.renew_limits(array[p_kind], p_now);
    select * into v_limits from ${s}.job_limits as l where l.kind = p_kind;
  end if;
  if v_limits.concurrency is not null then
    v_room := v_limits.concurrency - (
      select count(*) from (select from ${s}.job_slots as o where o.kind = p_kind limit v_limits.concurrency) as taken);
    v_left := least(v_left, greatest(least(v_room, p_startable), v_room / 2));
  end if;
  if v_left > 0 and v_limits.rate_limits is not null then
    perform ${s}.cut_starts(p_kind, p_now);
    v_room := ${s}.rate_room(p_kind, v_limits.rate_limits, v_limits.rate_pers, 2 * v_left, p_now);
    v_left := least(v_left, greatest(least(v_room, p_startable), v_room / 2));
  end if;
  if v_left <= 0 then return; end if;
  perform ${s}.break_first_runs(p_kind, v_left);
  if v_limits.key_concurrency is null then
    return query select * from ${s}.first_jobs(p_kind, v_left);
  else
    return query select c.* from ${s}.first_jobs_by_key(p_kind, v_left, v_limits.key_concurrency) as c
      order by c.priority desc, c.run_at, c.seq limit v_left;
  end if;
end $$;

-- The caller has locked the kinds' rows in job_limits.
create function ${s}.choose_limited_jobs(
  p_kinds text[], p_limit integer, p_startable integer, p_now timestamptz, out places tid[], out ids text[], out seqs bigint[]
) language plpgsql ${PINNED} as $$
begin
  select array_agg(c.place), array_agg(c.id), array_agg(c.seq) into places, ids, seqs from (
    select candidate.* from unnest(p_kinds) as k (kind), ${s}.limited_candidates(k.kind, p_limit, p_startable, p_now) as candidate
    order by candidate.priority desc, candidate.run_at, candidate.seq limit p_limit
  ) as c;
end $$;

-- A handler starts a moment after the claim, so its start counts for p_margin ms more; jobs that
-- may wait before, for p_wait ms more. Measured from here, since on a new
-- connection the first planning of the statements takes time.
create function ${s}.count_limited_jobs(p_ids text[], p_claim bigint, p_now float8, p_margin float8, p_wait float8)
returns void language plpgsql ${PINNED} as $$
declare
  v_now timestamptz := ${s}.store_time(p_now);
begin
  insert into ${s}.job_slots (id, claim, kind, key)
    select j.id, p_claim, j.kind, j.key from ${s}.jobs as j join ${s}.job_limits as l using (kind)
    where j.id = any (p_ids) and (l.concurrency is not null or l.key_concurrency is not null);
  insert into ${s}.job_starts (kind, upto, starts, at, kept_until, ahead, claim)
    select c.kind, coalesce(last.upto, 0) + c.starts, c.starts, started.at,
      started.at + (select max(per) from unnest(l.rate_pers) as per) * interval '1 ms',
      date_part('epoch', started.at - v_now) * 1000, p_claim
    from (select j.kind, count(*)::integer as starts from ${s}.jobs as j where j.id = any (p_ids) group by j.kind) as c
    join ${s}.job_limits as l using (kind)
    left join lateral (
      select o.upto, o.at from ${s}.job_starts as o where o.kind = c.kind order by o.upto desc limit 1
    ) as last on true
    cross join lateral (select greatest(last.at,
      p_wait * interval '1 ms'
      + case when p_now is null then ${s}.store_time(null) + p_margin * interval '1 ms' else v_now end) as at) as started
    where l.rate_limits is not null;
end $$;

-- Frees the places of jobs that no longer run.
create function ${s}.release_slots(p_ids text[], p_claims bigint[]) returns void language plpgsql ${BY_INDEX} as $$
begin
  with released as (
    delete from ${s}.job_slots as o using ${s}.pairs(p_ids, p_claims) as over
    where ${lookedUp('o.id', 'over.id')} and o.claim = over.claim returning o.id, o.kind, o.key, o.unique_key
  ), freed as (
    delete from ${s}.job_unique as u using released as o
    where o.unique_key is not null and ${lookedUp('u.kind', 'o.kind')} and ${lookedUp('u.key', 'o.unique_key')} and u.id = o.id
  )
  insert into ${s}.job_unblocked_keys (kind, key)
    select distinct o.kind, o.key from released as o join ${s}.job_backlogs as b using (kind) where o.key is not null;
end $$;
`
