import { BY_HASH, BY_INDEX, PINNED } from '../plan-settings.ts'
import { SLACK } from '../store-time.ts'
import { TIME } from './clock-set.ts'
import { CLAIM_AGAIN } from './freeing.ts'
import { RUN } from './runs.ts'

/** A claim's result row without an id has one of these as its kind. This one: the next job has too many bytes. */
export const HELD_BACK = 'held back'

/** A job was left because it is on its last chance. */
export const LAST_CHANCE = 'last chance'

/** New jobs of a run in one row: their kind is its key, how many there are its crashes, their ids and payloads, as JSON, rare and payload. */
export const PACKED = 'packed'

/** From how many kinds on a claim looks first which of them have due jobs. */
const MANY_KINDS = 64

/** Whole ms since the epoch: a bigint is written and read in a fraction of the time of a float or a timestamp. */
const ms = (column: string): string => `(date_part('epoch', ${column}) * 1000)::bigint`

/** Traceparent and uncounted share a column, since few jobs have either: each column costs all of them. */
export const claimedColumns = (
  claim: string,
  payload = 'j.payload::text',
): string => /* sql */ `j.id, j.kind, j.key, j.priority, ${ms('j.run_at')}, ${claim}, j.crashes, j.attempts_done,
      ${ms('j.created_at')}, ${ms('j.updated_at')}, ${ms('j.last_attempt_at')}, j.last_error, ${payload},
      case when j.traceparent is null then j.uncounted::text else concat(j.traceparent, ' ', j.uncounted) end`

const columns = claimedColumns('v_claim')

/** What a claim returns for each job, and for what else there is to say. */
export const CLAIMED = /* sql */ `
  o_id text, o_kind text, o_key text, o_priority integer, o_run_at bigint, o_claim bigint, o_crashes integer,
  o_attempts_done integer, o_created_at bigint, o_updated_at bigint, o_last_attempt_at bigint, o_last_error text,
  o_payload text, o_rare text, o_place integer
`

/** Claiming waiting jobs. */
export const claiming = (s: string): string => /* sql */ `
-- With marks, searches only from there on, or everything when it frees jobs. Kinds with limits have no marks.
-- Never frees p_holding. Takes a job that crashed p_max_crashes times only alone, and only with p_last_chance. Takes at most
-- p_max_bytes of payload, but with p_or_one the first job in any case.
create function ${s}.claim_jobs(
  p_kinds text[], p_limit integer, p_lease float8, p_free boolean, p_now float8, p_margin float8,
  p_mark_kinds text[], p_mark_priorities integer[], p_mark_times float8[], p_channel text, p_holder integer,
  p_holding bigint[], p_max_crashes integer, p_last_chance boolean, p_max_bytes float8, p_or_one boolean,
  p_startable integer, p_wait float8
) returns table (${CLAIMED}) language plpgsql ${BY_INDEX} as $$
declare
  v_now timestamptz := ${s}.store_time(p_now);
  v_limited boolean;
  v_runs boolean;
  v_among_runs boolean := false;
  v_paused boolean;
  v_places tid[];
  v_ids text[];
  v_seqs bigint[];
  v_tids tid[];
  v_claim bigint;
  v_noted bigint;
  v_expired record;
  v_fitting record;
  v_chosen record;
  v_packed record;
  v_from integer := 1;
  v_to integer;
begin
  if p_free then
    o_kind := '${TIME}';
    o_run_at := ${ms('v_now')};
    return next;
    select * into v_expired from ${s}.free_expired_jobs(v_now, p_now is not null, p_holder, p_holding);
    if v_expired.freed is not null then
      p_mark_kinds := null;
      perform ${s}.notify_requeued(p_channel, v_expired.freed);
    end if;
    if v_expired.suspects then
      o_kind := '${CLAIM_AGAIN}';
      return next;
    end if;
    if v_expired.too_long then perform ${s}.cut_leases(p_now); end if;
    v_now := ${s}.store_time(p_now);
    if exists (select from ${s}.jobs_waiting where not due and delayed_since > v_now + ${SLACK}) then
      perform ${s}.cut_delays(v_now);
    end if;
  end if;
  v_places := array(
    select ctid from ${s}.jobs_waiting where not due and run_at <= v_now
    order by run_at, seq limit 10000 for update skip locked
  );
  if v_places <> '{}' then perform ${s}.fall_due(v_places); end if;
  v_places := null;
  -- In one statement, since each costs more than what it asks for.
  select exists (select from ${s}.paused_kinds), exists (select from ${s}.job_limits),
    exists (select from ${s}.jobs_waiting where ids is not null) into v_paused, v_limited, v_runs;
  if v_paused then p_kinds := ${s}.kinds_not_paused(p_kinds); end if;
  if cardinality(p_kinds) > ${MANY_KINDS} then p_kinds := ${s}.due_kinds(p_kinds); end if;
  if v_limited then v_limited := exists (select from ${s}.job_limits where kind = any (p_kinds)); end if;
  if v_limited then
    perform from ${s}.job_limits where kind = any (p_kinds) order by kind for update;
    -- After the wait for the locks.
    v_now := ${s}.store_time(p_now);
    select places, ids, seqs into v_places, v_ids, v_seqs from ${s}.choose_limited_jobs(p_kinds, p_limit, coalesce(p_startable, p_limit), v_now);
  elsif p_mark_kinds is not null and not v_runs then
    select array_agg(c.place), array_agg(c.id), array_agg(c.seq) into v_places, v_ids, v_seqs from (
      select f.* from unnest(p_kinds) as k (kind),
        ${s}.marked_jobs(k.kind, p_limit, p_mark_kinds, p_mark_priorities, p_mark_times) as f
      order by f.priority desc, f.run_at, f.seq limit p_limit
    ) as c;
  elsif cardinality(p_kinds) = 1 and (p_limit < ${RUN} or not v_runs) then
    select array_agg(c.place), array_agg(c.id), array_agg(c.seq), count(c.note), count(c.ids) > 0
    into v_places, v_ids, v_seqs, v_noted, v_among_runs from (
      select ctid as place, id, seq, note, ids from ${s}.jobs_waiting where kind = p_kinds[1] and due
      order by priority desc, run_at, seq limit p_limit for update skip locked
    ) as c;
    -- Others may have locked all that is left, which a claim among runs looks after.
    v_among_runs := v_among_runs or (v_runs and coalesce(cardinality(v_ids), 0) < p_limit);
  elsif v_runs then
    v_among_runs := true;
  else
    select array_agg(c.place), array_agg(c.id), array_agg(c.seq) into v_places, v_ids, v_seqs from (
      select f.* from unnest(p_kinds) as k (kind), ${s}.first_jobs(k.kind, p_limit) as f
      order by f.priority desc, f.run_at, f.seq limit p_limit
    ) as c;
  end if;
  if v_among_runs then
    select * into v_chosen from ${s}.choose_from_runs(p_kinds, p_limit);
    v_places := v_chosen.places;
    v_ids := v_chosen.ids;
    v_seqs := v_chosen.seqs;
    v_tids := v_chosen.tids;
    v_noted := v_chosen.noted;
    if v_chosen.some_locked then
      o_kind := '${CLAIM_AGAIN}';
      return next;
    end if;
  end if;
  if v_noted is null then
    select count(note) into v_noted from ${s}.jobs_waiting where ctid = any (v_places);
  end if;
  if v_noted > 0 then
    select * into v_fitting from ${s}.fitting_jobs(
      v_places, p_kinds, p_limit, not v_limited, p_max_crashes, p_last_chance, p_max_bytes, p_or_one);
    v_places := v_fitting.places;
    v_ids := v_fitting.ids;
    v_seqs := v_fitting.seqs;
    if v_fitting.held_back then
      o_kind := '${HELD_BACK}';
      return next;
    end if;
    if v_fitting.skipped then
      o_kind := '${LAST_CHANCE}';
      return next;
    end if;
  end if;
  if v_ids is null then
    if v_limited
      and exists (select from ${s}.job_backlogs as b where b.kind = any (p_kinds) and b.search_incomplete)
    then
      o_kind := '${CLAIM_AGAIN}';
      return next;
    end if;
    return;
  end if;
  if v_noted > 0 then perform ${s}.give_up_unique_keys(v_places); end if;
  v_claim := ${s}.on_timeline(nextval('${s.replaceAll("'", "''")}.job_claim_numbers'));
  insert into ${s}.job_claims (claim, claimed_at, expires_at, lease, holder, ids, seqs, tids)
    values (v_claim, v_now, v_now + p_lease * interval '1 ms', p_lease, p_holder, v_ids, v_seqs, v_tids);
  delete from ${s}.jobs_waiting where ctid = any (v_places);
  if v_limited then
    perform ${s}.count_limited_jobs(v_ids, v_claim, p_now, p_margin,
      case when cardinality(v_ids) > p_startable then p_wait else 0 end);
  end if;
  if v_tids is not null then
    foreach v_to in array v_chosen.ends loop
      if v_to > 0 then
        select count(*) as jobs, min(j.seq) as first, max(j.seq) as last, min(j.kind) as kind, ${ms('min(j.run_at)')} as run_at,
            string_agg(j.payload, ',') as payloads, bool_and(j.is_new) as are_new
          into v_packed from (
            select o.seq, o.kind, o.run_at, o.payload::text as payload, o.created_at = o.run_at and o.updated_at = o.run_at
              and o.attempts_done = 0 and o.last_error is null and o.priority = 0 and o.traceparent is null as is_new
            from ${s}.jobs as o where o.ctid = any (v_tids[v_from:v_to]) order by o.seq
          ) as j;
        -- By their numbers, these are all jobs of the run.
        if v_packed.are_new and v_packed.jobs = v_to - v_from + 1 and v_packed.first = v_seqs[v_from] and v_packed.last = v_seqs[v_to] then
          return query select null::text, '${PACKED}', v_packed.kind, 0, v_packed.run_at, v_claim, v_packed.jobs::integer, 0,
            v_packed.run_at, v_packed.run_at, null::bigint, null::text, v_packed.payloads, array_to_json(v_ids[v_from:v_to])::text, v_from;
          v_from := v_to + 1;
          continue;
        end if;
      end if;
      return query select ${columns}, case when claimed.tid is not null then (v_from + claimed.place - 1)::integer end
        from unnest(v_ids[v_from:abs(v_to)], v_seqs[v_from:abs(v_to)], v_tids[v_from:abs(v_to)]) with ordinality
          as claimed (id, seq, tid, place) cross join lateral (
          select * from ${s}.jobs as o where o.ctid = claimed.tid and o.seq = claimed.seq
          union all select * from ${s}.jobs as o where o.id = claimed.id
          limit 1
        ) as j;
      v_from := abs(v_to) + 1;
    end loop;
    return;
  end if;
  return query
    select ${columns}, null::integer
    -- Lateral, so that each of v_ids is looked up in its turn: of a small table, PostgreSQL would join the other way round.
    from unnest(v_ids) as claimed (id)
      cross join lateral (select * from ${s}.jobs as o where o.id = claimed.id offset 0) as j;
end $$;

create function ${s}.fall_due(p_places tid[]) returns void language plpgsql ${BY_INDEX} as $$
begin
  -- These jobs may lie before the mark of a backlog.
  insert into ${s}.job_unblocked_keys (kind, key)
    select distinct w.kind, w.key from ${s}.jobs_waiting as w join ${s}.job_backlogs as b using (kind)
    where w.ctid = any (p_places) and w.key is not null;
  update ${s}.jobs_waiting set due = true where ctid = any (p_places);
end $$;

-- Those of many kinds that have due jobs; all of them where more kinds than that have. One index lookup per kind with due jobs,
-- whatever is asked for.
create function ${s}.due_kinds(p_kinds text[]) returns text[] language plpgsql ${BY_HASH} as $$
declare
  v_due text[] := '{}';
  v_kind text;
begin
  select w.kind into v_kind from ${s}.jobs_waiting as w where w.due order by w.kind limit 1;
  while v_kind is not null loop
    if cardinality(v_due) = cardinality(p_kinds) then return p_kinds; end if;
    v_due := v_due || v_kind;
    select (
      select w.kind from ${s}.jobs_waiting as w where w.due and w.kind > v_kind order by w.kind limit 1
    ) into v_kind;
  end loop;
  if v_due = '{}' then return v_due; end if;
  return array(select due.kind from unnest(v_due) as due (kind) where due.kind in (select unnest(p_kinds)));
end $$;

-- The first due jobs of a kind that aren't in runs, locked.
create function ${s}.first_jobs(p_kind text, p_limit integer)
returns table (place tid, id text, priority integer, run_at timestamptz, seq bigint) language plpgsql ${PINNED} as $$
begin
  return query
    select w.ctid, w.id, w.priority, w.run_at, w.seq from ${s}.jobs_waiting as w where w.kind = p_kind and w.due and w.ids is null
    order by w.priority desc, w.run_at, w.seq limit p_limit for update skip locked;
end $$;
`
