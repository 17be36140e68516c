/** How many jobs of a kind may run or start, over all machines. */
export const limiting = (s: string): string => /* sql */ `
-- As first_jobs, of a kind of which at most p_each may run for each key. Mostly those are among the first thousand
-- that wait; if not, each key is looked at for its first ones, so that no tenant's backlog holds others back.
create function ${s}.first_jobs_by_key(p_kind text, p_limit integer, p_each integer)
returns table (place tid, id text, priority integer, run_at timestamptz, seq bigint) language plpgsql as $$
declare
  v_seen integer;
  v_places tid[];
begin
  select max(c.seen), (array_agg(c.ctid order by c.nth) filter (where c.fits))[1:p_limit] into v_seen, v_places from (
    select w.*, count(*) over () as seen, row_number() over (order by w.priority desc, w.run_at, w.seq) as nth,
      w.key is null or p_each >= row_number() over (partition by w.key order by w.priority desc, w.run_at, w.seq)
        + (select count(*) from ${s}.job_slots as o where o.kind = p_kind and o.key = w.key) as fits
    from (
      select j.ctid, j.* from ${s}.jobs_waiting as j where j.kind = p_kind and j.due
      order by j.priority desc, j.run_at, j.seq limit 1000
    ) as w
  ) as c;
  if v_seen < 1000 or cardinality(v_places) = p_limit then
    return query select w.ctid, w.id, w.priority, w.run_at, w.seq from ${s}.jobs_waiting as w
      where w.ctid = any (v_places) for update skip locked;
    return;
  end if;
  return query with recursive keys as (
    (select w.key from ${s}.jobs_waiting as w where w.kind = p_kind and w.due and w.key is not null
      order by w.key limit 1)
    union all
    select (select w.key from ${s}.jobs_waiting as w
      where w.kind = p_kind and w.due and w.key is not null and w.key > keys.key order by w.key limit 1)
    from keys where keys.key is not null
  )
  select f.* from keys, lateral (
    select w.ctid, w.id, w.priority, w.run_at, w.seq from ${s}.jobs_waiting as w
    where w.kind = p_kind and w.key = keys.key and w.due and w.key is not null
    order by w.priority desc, w.run_at, w.seq
    limit greatest(0, p_each - (select count(*) from ${s}.job_slots as o where o.kind = p_kind and o.key = keys.key))
    for update skip locked
  ) as f where keys.key is not null
  union all
  select keyless.* from (
    select w.ctid, w.id, w.priority, w.run_at, w.seq from ${s}.jobs_waiting as w
    where w.kind = p_kind and w.key is null and w.due
    order by w.priority desc, w.run_at, w.seq limit p_limit for update skip locked
  ) as keyless;
end $$;

create function ${s}.limited_candidates(p_kind text, p_limit integer, p_now timestamptz)
returns table (place tid, id text, priority integer, run_at timestamptz, seq bigint) language plpgsql as $$
declare
  v_limits ${s}.job_limits;
  v_left integer := p_limit;
begin
  select * into v_limits from ${s}.job_limits as l where l.kind = p_kind;
  if v_limits.concurrency is not null then
    v_left := least(v_left, v_limits.concurrency - (select count(*) from ${s}.job_slots as o where o.kind = p_kind));
  end if;
  if v_limits.rate_limit is not null then
    v_left := least(v_left, v_limits.rate_limit - (
      select count(*) from ${s}.job_starts where kind = p_kind and at > p_now - v_limits.rate_per));
  end if;
  if v_left <= 0 then return; end if;
  if v_limits.key_concurrency is null then
    return query select * from ${s}.first_jobs(p_kind, v_left);
  else
    return query select c.* from ${s}.first_jobs_by_key(p_kind, v_left, v_limits.key_concurrency) as c
      order by c.priority desc, c.run_at, c.seq limit v_left;
  end if;
end $$;

-- To be called by who has locked the kinds' rows in job_limits.
create function ${s}.choose_limited_jobs(
  p_kinds text[], p_limit integer, p_now timestamptz, out places tid[], out ids text[], out seqs bigint[]
) language plpgsql as $$
begin
  select array_agg(c.place), array_agg(c.id), array_agg(c.seq) into places, ids, seqs from (
    select candidate.* from unnest(p_kinds) as k (kind), ${s}.limited_candidates(k.kind, p_limit, p_now) as candidate
    order by candidate.priority desc, candidate.run_at, candidate.seq limit p_limit
  ) as c;
end $$;

-- A handler starts a moment after its job was claimed; its place in the window is kept for p_margin ms more. Measured
-- from here on: on a new connection, all that is planned for the first time takes its time.
create function ${s}.count_limited_jobs(p_ids text[], p_claim bigint, p_now float8, p_margin float8)
returns void language plpgsql as $$
declare
  v_now timestamptz := ${s}.job_time(p_now);
begin
  insert into ${s}.job_slots (id, claim, kind, key)
    select j.id, p_claim, j.kind, j.key from ${s}.jobs as j join ${s}.job_limits as l using (kind)
    where j.id = any (p_ids) and (l.concurrency is not null or l.key_concurrency is not null);
  delete from ${s}.job_starts as o using ${s}.job_limits as l where l.kind = o.kind and o.at <= v_now - l.rate_per;
  insert into ${s}.job_starts (kind, at, claim)
    select j.kind, case when p_now is null then clock_timestamp() + p_margin * interval '1 ms' else v_now end, p_claim
    from ${s}.jobs as j join ${s}.job_limits as l using (kind)
    where j.id = any (p_ids) and l.rate_limit is not null;
end $$;

create function ${s}.set_job_limits(
  p_kinds text[], p_concurrency integer[], p_key_concurrency integer[], p_rate_limit integer[], p_rate_per float8[]
) returns void language plpgsql as $$
declare
  v_new text[];
begin
  lock table ${s}.job_limits in share row exclusive mode;
  delete from ${s}.job_limits as l using unnest(p_kinds, p_concurrency, p_key_concurrency, p_rate_limit)
    as given (kind, concurrency, key_concurrency, rate_limit)
    where l.kind = given.kind
      and given.concurrency is null and given.key_concurrency is null and given.rate_limit is null;
  with changed as (
    insert into ${s}.job_limits as l
      select kind, concurrency, key_concurrency, rate_limit, rate_per * interval '1 ms'
      from unnest(p_kinds, p_concurrency, p_key_concurrency, p_rate_limit, p_rate_per)
        as given (kind, concurrency, key_concurrency, rate_limit, rate_per)
      where concurrency is not null or key_concurrency is not null or rate_limit is not null
    on conflict (kind) do update set concurrency = excluded.concurrency,
      key_concurrency = excluded.key_concurrency, rate_limit = excluded.rate_limit, rate_per = excluded.rate_per
    where (l.concurrency, l.key_concurrency, l.rate_limit, l.rate_per)
      is distinct from (excluded.concurrency, excluded.key_concurrency, excluded.rate_limit, excluded.rate_per)
    returning kind
  ) select array_agg(kind) into v_new from changed;
  -- What runs already counts, too.
  insert into ${s}.job_slots (id, claim, kind, key)
    select j.id, c.claim, j.kind, j.key
    from ${s}.job_claims as c, unnest(c.ids, c.seqs) as held (id, seq) join ${s}.jobs as j using (id, seq)
    where j.kind = any (v_new) and j.status = 'PENDING'
    on conflict do nothing;
end $$;
`
