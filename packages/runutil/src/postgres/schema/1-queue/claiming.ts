import { BY_INDEX } from '../plan-settings.ts'

/** What a notification says when jobs of the past may be claimed again; of new ones it says nothing. */
export const GIVEN_BACK = 'given back'

/** Whole ms since the epoch: a bigint is written and read in a fraction of the time of a float or a timestamp. */
const ms = (column: string): string => `(date_part('epoch', ${column}) * 1000)::bigint`

/** Taking jobs that wait, and freeing those whose lease has run out. */
export const claiming = (s: string): string => /* sql */ `
-- Whether there were any.
create function ${s}.free_expired_jobs(p_now timestamptz) returns boolean language plpgsql as $$
declare
  v_lease record;
  v_found boolean := false;
begin
  for v_lease in
    delete from ${s}.job_claims where claim = any (array(
      select claim from ${s}.job_claims where expires_at <= p_now for update skip locked
    )) returning claim, ids, seqs
  loop
    v_found := true;
    with freed as (
      update ${s}.jobs as j set crashes = j.crashes + 1
      where j.id = any (v_lease.ids) and j.seq = any (v_lease.seqs) and j.status = 'PENDING'
      returning j.*
    )
    insert into ${s}.jobs_waiting (id, kind, run_at, due, priority, key, seq)
      select id, kind, run_at, run_at <= p_now, priority, key, seq from freed;
    delete from ${s}.job_slots where claim = v_lease.claim;
  end loop;
  return v_found;
end $$;

-- With marks, it looks only from there on, and at all when it frees jobs. Kinds with limits have none.
create function ${s}.claim_jobs(
  p_kinds text[], p_limit integer, p_lease float8, p_free boolean, p_now float8, p_margin float8,
  p_mark_kinds text[], p_mark_priorities integer[], p_mark_times float8[], p_channel text
) returns table (
  o_id text, o_kind text, o_key text, o_priority integer, o_run_at bigint, o_claim bigint, o_crashes integer,
  o_attempts_done integer, o_created_at bigint, o_updated_at bigint, o_last_attempt_at bigint, o_last_error text,
  o_payload text
) language plpgsql ${BY_INDEX} as $$
declare
  v_now timestamptz := ${s}.job_time(p_now);
  v_limited boolean := exists (select from ${s}.job_limits where kind = any (p_kinds));
  v_places tid[];
  v_ids text[];
  v_seqs bigint[];
  v_claim bigint;
begin
  if p_free and ${s}.free_expired_jobs(v_now) then
    p_mark_kinds := null;
    perform pg_notify(p_channel, '${GIVEN_BACK}');
  end if;
  update ${s}.jobs_waiting set due = true where ctid = any (array(
    select ctid from ${s}.jobs_waiting where not due and run_at <= v_now
    order by run_at, seq limit 10000 for update skip locked
  ));
  if v_limited then
    perform from ${s}.job_limits where kind = any (p_kinds) order by kind for update;
    -- Whoever waited for its turn claims now, not when it came.
    v_now := ${s}.job_time(p_now);
    select places, ids, seqs into v_places, v_ids, v_seqs from ${s}.choose_limited_jobs(p_kinds, p_limit, v_now);
  elsif p_mark_kinds is not null then
    select array_agg(c.place), array_agg(c.id), array_agg(c.seq) into v_places, v_ids, v_seqs from (
      select f.* from unnest(p_kinds) as k (kind),
        ${s}.marked_jobs(k.kind, p_limit, p_mark_kinds, p_mark_priorities, p_mark_times) as f
      order by f.priority desc, f.run_at, f.seq limit p_limit
    ) as c;
  elsif cardinality(p_kinds) = 1 then
    select array_agg(c.place), array_agg(c.id), array_agg(c.seq) into v_places, v_ids, v_seqs from (
      select ctid as place, id, seq from ${s}.jobs_waiting where kind = p_kinds[1] and due
      order by priority desc, run_at, seq limit p_limit for update skip locked
    ) as c;
  else
    select array_agg(c.place), array_agg(c.id), array_agg(c.seq) into v_places, v_ids, v_seqs from (
      select f.* from unnest(p_kinds) as k (kind), ${s}.first_jobs(k.kind, p_limit) as f
      order by f.priority desc, f.run_at, f.seq limit p_limit
    ) as c;
  end if;
  if v_ids is null then return; end if;
  v_claim := nextval('${s.replaceAll("'", "''")}.job_claim_numbers');
  insert into ${s}.job_claims values (v_claim, v_now, v_now + p_lease * interval '1 ms', v_ids, v_seqs);
  delete from ${s}.jobs_waiting where ctid = any (v_places);
  if v_limited then perform ${s}.count_limited_jobs(v_ids, v_claim, p_now, p_margin); end if;
  return query
    select j.id, j.kind, j.key, j.priority, ${ms('j.run_at')}, v_claim, j.crashes,
      j.attempts_done, ${ms('j.created_at')}, ${ms('j.updated_at')},
      ${ms('j.last_attempt_at')}, j.last_error, j.payload::text
    -- A nested loop, and so in the order of v_ids: other joins are off.
    from unnest(v_ids) as claimed (id) join ${s}.jobs as j using (id);
end $$;

-- As first_jobs, but of each marked priority only those from the mark on.
create function ${s}.marked_jobs(
  p_kind text, p_limit integer, p_mark_kinds text[], p_mark_priorities integer[], p_mark_times float8[]
) returns table (place tid, id text, priority integer, run_at timestamptz, seq bigint) language plpgsql
${BY_INDEX} as $$
declare
  v_mark record;
  v_left integer := p_limit;
  v_got integer;
  -- All of a higher priority has been looked at.
  v_top integer := 2147483647;
begin
  for v_mark in
    select m.priority, to_timestamp(m.time / 1000.0) as time
    from unnest(p_mark_kinds, p_mark_priorities, p_mark_times) as m (kind, priority, time)
    where m.kind = p_kind order by m.priority desc
  loop
    return query select w.ctid, w.id, w.priority, w.run_at, w.seq from ${s}.jobs_waiting as w
      where w.kind = p_kind and w.due and w.priority <= v_top and w.priority > v_mark.priority
      order by w.priority desc, w.run_at, w.seq limit v_left for update skip locked;
    get diagnostics v_got = row_count;
    v_left := v_left - v_got;
    return query select w.ctid, w.id, w.priority, w.run_at, w.seq from ${s}.jobs_waiting as w
      where w.kind = p_kind and w.due and w.priority = v_mark.priority and w.run_at >= v_mark.time
      order by w.run_at, w.seq limit v_left for update skip locked;
    get diagnostics v_got = row_count;
    v_left := v_left - v_got;
    if v_left = 0 or v_mark.priority = -2147483648 then return; end if;
    v_top := v_mark.priority - 1;
  end loop;
  return query select w.ctid, w.id, w.priority, w.run_at, w.seq from ${s}.jobs_waiting as w
    where w.kind = p_kind and w.due and w.priority <= v_top
    order by w.priority desc, w.run_at, w.seq limit v_left for update skip locked;
end $$;

-- The first jobs of a kind that are due, locked.
create function ${s}.first_jobs(p_kind text, p_limit integer)
returns table (place tid, id text, priority integer, run_at timestamptz, seq bigint) language plpgsql as $$
begin
  return query
    select w.ctid, w.id, w.priority, w.run_at, w.seq from ${s}.jobs_waiting as w where w.kind = p_kind and w.due
    order by w.priority desc, w.run_at, w.seq limit p_limit for update skip locked;
end $$;
`
