import { SLICE_MINUTES } from '../../../queue/job-minutes.ts'
import { MINUTES, MOST_COUNTED } from '../../../queue/kind-stats.ts'
import { BY_HASH, BY_INDEX } from '../plan-settings.ts'
import { minutes } from './minutes.ts'

/** Held jobs are looked up one by one, in jobs; of more than these, the others aren't counted. */
const MOST_HELD = 100_000
/** Runs are counted in two steps: these have 10,001 jobs, unless many of them were broken. */
const SOME_RUNS = 128
/** The lowest priorities that are searched for the job that is due for longest, where more than 10,000 jobs are due. */
const PRIORITIES = 100

/** The numbers of all kinds, by indexes: what they cost doesn't grow with the jobs, but for the held ones. Without JIT, which takes longer. */
export const stats = (s: string): string => [minutes, counting, kindStats].map((part) => part(s)).join('')

const counting = (s: string): string => /* sql */ `
create index jobs_waiting_later_by_kind on ${s}.jobs_waiting (kind, run_at) where not due;

-- How many rows of a kind are runs, and how many jobs those have: counted until these are enough.
create function ${s}.count_runs(p_kind text, out runs bigint, out jobs bigint) language plpgsql ${BY_INDEX} as $$
declare
  v_most integer;
begin
  foreach v_most in array '{${SOME_RUNS},${MOST_COUNTED}}'::integer[] loop
    select count(*), coalesce(sum(r.jobs), 0) into runs, jobs from (
      select cardinality(w.ids) as jobs from ${s}.jobs_waiting as w where w.kind = p_kind and w.ids is not null
      order by w.priority desc, w.run_at, w.seq limit v_most
    ) as r;
    exit when jobs >= ${MOST_COUNTED} or runs < v_most;
  end loop;
end $$;

-- Since when the first job of the lowest priorities has been due: those starve first.
create function ${s}.oldest_due(p_kind text) returns timestamptz language plpgsql ${BY_INDEX} as $$
declare
  v_priority integer;
  v_oldest timestamptz;
begin
  select w.priority into v_priority from ${s}.jobs_waiting as w where w.kind = p_kind and w.due order by w.priority limit 1;
  for i in 1..${PRIORITIES} loop
    exit when v_priority is null;
    v_oldest := least(v_oldest, (
      select w.run_at from ${s}.jobs_waiting as w where w.kind = p_kind and w.due and w.priority = v_priority
      order by w.run_at limit 1
    ));
    select (
      select w.priority from ${s}.jobs_waiting as w where w.kind = p_kind and w.due and w.priority > v_priority
      order by w.priority limit 1
    ) into v_priority;
  end loop;
  return v_oldest;
end $$;

-- The kinds that have waiting or failed jobs: one lookup for each.
create function ${s}.listed_kinds() returns table (kind text) language plpgsql ${BY_INDEX} as $$
begin
  return query
    with recursive due as (
      (select w.kind from ${s}.jobs_waiting as w where w.due order by w.kind limit 1)
      union all
      select (select w.kind from ${s}.jobs_waiting as w where w.due and w.kind > k.kind order by w.kind limit 1)
      from due as k where k.kind is not null
    ), later as (
      (select w.kind from ${s}.jobs_waiting as w where not w.due order by w.kind limit 1)
      union all
      select (select w.kind from ${s}.jobs_waiting as w where not w.due and w.kind > k.kind order by w.kind limit 1)
      from later as k where k.kind is not null
    ), failed as (
      (select f.kind from ${s}.job_failures as f order by f.kind limit 1)
      union all
      select (select f.kind from ${s}.job_failures as f where f.kind > k.kind order by f.kind limit 1)
      from failed as k where k.kind is not null
    ), found as (
      select due.kind from due union select later.kind from later union select failed.kind from failed
    )
    select found.kind from found where found.kind is not null;
end $$;
`

const kindStats = (s: string): string => /* sql */ `
create function ${s}.kind_stats(p_now float8) returns table (
  o_kind text, o_waiting bigint, o_blocked bigint, o_due bigint, o_running bigint, o_failed bigint, o_oldest_due float8,
  o_paused boolean, o_concurrency integer, o_key_concurrency integer, o_rate_limits text, o_rate_pers text,
  o_minute integer, o_minutes text, o_handles text, o_waits text
) language plpgsql ${BY_HASH} set jit = off as $$
declare
  v_now timestamptz := ${s}.store_time(p_now);
  v_minute integer := ${s}.minute_of(v_now);
begin
  return query
    with limits as materialized (
      select l.* from ${s}.live_limits(array(select o.kind from ${s}.job_limits as o), v_now) as l
    ), minutes as materialized (
      select m.kind, string_agg(format('{%s,%s,%s,%s}', m.minute, m.done, m.failed, m.retried), ',') as slices,
        string_agg(m.handle, ',') as handles, string_agg(m.wait, ',') as waits
      from ${s}.job_minutes as m where m.minute > v_minute - ${MINUTES + SLICE_MINUTES - 1} and m.minute <= v_minute
      group by m.kind
    ), running as materialized (
      select j.kind, count(*) as jobs from (
        select held.id, held.seq from ${s}.job_claims as c, unnest(c.ids, c.seqs) as held (id, seq)
        where held.id is not null limit ${MOST_HELD}
      ) as held cross join lateral (
        select o.kind from ${s}.jobs as o where o.id = held.id and o.seq = held.seq and o.status = 'PENDING' offset 0
      ) as j group by j.kind
    ), blocked as materialized (
      select b.kind, b.jobs from ${s}.blocked_kinds(${MOST_COUNTED}) as b
    ), kinds as materialized (
      select listed.kind from ${s}.listed_kinds() as listed union select kind from running union select kind from blocked
      union select kind from limits union select kind from minutes
      union select kind from ${s}.paused_kinds
    )
    select k.kind, least(${MOST_COUNTED}, due.jobs + late.jobs + later.jobs),
      least(${MOST_COUNTED}, coalesce(blocked.jobs, 0)), least(${MOST_COUNTED}, due.jobs + late.jobs),
      least(${MOST_COUNTED}, coalesce(running.jobs, 0)), failed.jobs,
      date_part('epoch', least(due.oldest, late.oldest)) * 1000, paused.kind is not null,
      limits.concurrency, limits.key_concurrency, limits.rate_limits::text, limits.rate_pers::text,
      v_minute, minutes.slices, minutes.handles, minutes.waits
    from kinds as k
      cross join lateral (
        select run.jobs + first.rows - run.runs as jobs,
          case when first.rows < ${MOST_COUNTED} then first.oldest else least(first.oldest, ${s}.oldest_due(k.kind)) end as oldest
        from (
          select counted.runs, counted.jobs from ${s}.count_runs(k.kind) as counted
          where exists (select from ${s}.jobs_waiting as w where w.kind = k.kind and w.ids is not null)
          union all select 0, 0 limit 1
        ) as run cross join lateral (
          select count(*) as rows, min(w.run_at) as oldest from (
            select o.run_at from ${s}.jobs_waiting as o where o.kind = k.kind and o.due
            order by o.priority desc, o.run_at, o.seq limit ${MOST_COUNTED} + run.runs
          ) as w
        ) as first
      ) as due
      -- No claim has seen yet that these are due.
      cross join lateral (
        select count(*) as jobs, min(w.run_at) as oldest from (
          select o.run_at from ${s}.jobs_waiting as o where o.kind = k.kind and not o.due and o.run_at <= v_now
          order by o.run_at limit ${MOST_COUNTED}
        ) as w
      ) as late
      cross join lateral (
        select count(*) as jobs from (
          select from ${s}.jobs_waiting as o where o.kind = k.kind and not o.due and o.run_at > v_now
          order by o.run_at limit ${MOST_COUNTED}
        ) as w
      ) as later
      cross join lateral (
        select count(*) as jobs from (
          select from ${s}.job_failures as f where f.kind = k.kind limit ${MOST_COUNTED}
        ) as f
      ) as failed
      left join blocked on blocked.kind = k.kind
      left join running on running.kind = k.kind
      left join limits on limits.kind = k.kind
      left join minutes on minutes.kind = k.kind
      left join ${s}.paused_kinds as paused on paused.kind = k.kind
    order by k.kind;
end $$;
`
