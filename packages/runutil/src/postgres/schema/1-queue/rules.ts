import { BY_INDEX, PINNED } from '../plan-settings.ts'
import { SLACK } from '../store-time.ts'
import { liveLimits } from './live-limits.ts'
import { RULES_TTL } from './rules-ttl.ts'

/** The rules of live workers for their kinds, and the limits and retention of each kind that result. */
export const rules = (s: string): string =>
  [ruleTables, removing, liveLimits, setting, unhandled].map((part) => part(s)).join('')

const ruleTables = (s: string): string => /* sql */ `
create table ${s}.job_workers (worker text collate "C" primary key, renewed_at timestamptz not null);
create table ${s}.job_rules (
  kind text collate "C" not null,
  worker text collate "C" not null,
  concurrency integer,
  key_concurrency integer,
  rate_limit integer,
  -- In ms, like the retentions below, where 'infinity' means for ever.
  rate_per float8,
  done_kept float8 not null,
  failed_kept float8 not null,
  primary key (kind, worker)
);
create index job_rules_by_worker on ${s}.job_rules (worker);
-- The longest retention among live workers; for a kind without live workers, the last one.
create table ${s}.job_retentions (
  kind text collate "C" primary key,
  done_kept float8 not null,
  failed_kept float8 not null,
  live boolean not null
);
`

const removing = (s: string): string => /* sql */ `
-- Removes the rules of workers that haven't renewed them in time, and those of p_worker. One call at a time.
create function ${s}.remove_workers(p_worker text, p_now timestamptz) returns text[] language plpgsql ${PINNED} as $$
declare
  v_kinds text[];
begin
  perform pg_advisory_xact_lock(hashtextextended('${s.replaceAll("'", "''")}.job_rules', 0));
  update ${s}.job_workers set renewed_at = p_now where renewed_at > p_now + ${SLACK};
  with gone as (
    delete from ${s}.job_workers where renewed_at <= p_now - ${RULES_TTL} or worker = p_worker returning worker
  ), removed as (
    delete from ${s}.job_rules as r using gone where r.worker = gone.worker returning r.kind
  ) select array_agg(distinct kind) into v_kinds from removed;
  return v_kinds;
end $$;

-- Removes expired rules, and updates the limits and retentions of their kinds.
create function ${s}.remove_expired_rules(p_now timestamptz) returns void language plpgsql ${PINNED} as $$
declare
  v_kinds text[];
begin
  if not exists (select from ${s}.job_workers where renewed_at <= p_now - ${RULES_TTL}) then return; end if;
  v_kinds := ${s}.remove_workers(null, p_now);
  perform ${s}.renew_limits(v_kinds, p_now);
  perform ${s}.renew_retentions(v_kinds, p_now);
end $$;

-- Removes starts that no longer count for a rate.
create function ${s}.remove_old_starts(p_kinds text[], p_now timestamptz) returns void language plpgsql ${PINNED} as $$
declare
  v_kind text;
  v_count integer;
begin
  if not exists (select from ${s}.job_starts) then return; end if;
  foreach v_kind in array p_kinds loop
    loop
      delete from ${s}.job_starts where ctid = any (array(
        select o.ctid from (
          select o.ctid, o.kept_until from ${s}.job_starts as o where o.kind = v_kind order by o.upto limit 10000
        ) as o where o.kept_until <= p_now
      ));
      get diagnostics v_count = row_count;
      exit when v_count < 10000;
    end loop;
  end loop;
end $$;

-- Updates retentions. When one becomes shorter, all parts of the table are due for pruning again.
create function ${s}.renew_retentions(p_kinds text[], p_now timestamptz) returns void language plpgsql ${PINNED} as $$
begin
  if exists (
    select from ${s}.job_rules as r left join ${s}.job_retentions as kept using (kind) where r.kind = any (p_kinds)
    group by r.kind, kept.kind, kept.done_kept, kept.failed_kept
    having kept.kind is null or max(r.done_kept) < kept.done_kept or max(r.failed_kept) < kept.failed_kept
  ) then update ${s}.job_sweeps set due_at = p_now where due_at > p_now; end if;
  update ${s}.job_retentions set live = false where kind = any (p_kinds);
  insert into ${s}.job_retentions (kind, done_kept, failed_kept, live)
    select r.kind, max(r.done_kept), max(r.failed_kept), true from ${s}.job_rules as r
    where r.kind = any (p_kinds) group by r.kind
  on conflict (kind) do update
    set done_kept = excluded.done_kept, failed_kept = excluded.failed_kept, live = excluded.live;
end $$;
`

const setting = (s: string): string => /* sql */ `
-- Returns rules of other workers for these kinds that differ; of several that are equal, one.
create function ${s}.set_job_rules(
  p_worker text, p_kinds text[], p_concurrency integer[], p_key_concurrency integer[], p_rate_limit integer[],
  p_rate_per float8[], p_done_kept float8[], p_failed_kept float8[], p_now float8
) returns table (
  o_worker text, o_kind text, o_concurrency integer, o_key_concurrency integer, o_rate_limit integer,
  o_rate_per float8, o_done_kept float8, o_failed_kept float8
) language plpgsql ${PINNED} as $$
declare
  v_now timestamptz := ${s}.store_time(p_now);
  v_kinds text[] := ${s}.remove_workers(case when p_kinds = '{}' then p_worker end, v_now);
begin
  if p_kinds <> '{}' then
    insert into ${s}.job_workers values (p_worker, v_now) on conflict (worker) do update set renewed_at = excluded.renewed_at;
    with removed as (
      delete from ${s}.job_rules where worker = p_worker and kind <> all (p_kinds) returning kind
    ), stored as (
      insert into ${s}.job_rules as r (kind, worker, concurrency, key_concurrency, rate_limit, rate_per, done_kept,
        failed_kept)
        select given.kind, p_worker, given.c, given.k, given.l, given.p, given.d, given.f
        from unnest(p_kinds, p_concurrency, p_key_concurrency, p_rate_limit, p_rate_per, p_done_kept, p_failed_kept)
          as given (kind, c, k, l, p, d, f)
      on conflict (kind, worker) do update set concurrency = excluded.concurrency,
        key_concurrency = excluded.key_concurrency, rate_limit = excluded.rate_limit, rate_per = excluded.rate_per,
        done_kept = excluded.done_kept, failed_kept = excluded.failed_kept
      where (r.concurrency, r.key_concurrency, r.rate_limit, r.rate_per, r.done_kept, r.failed_kept)
        is distinct from (excluded.concurrency, excluded.key_concurrency, excluded.rate_limit, excluded.rate_per,
          excluded.done_kept, excluded.failed_kept)
      returning kind
    ) select v_kinds || array_agg(c.kind) into v_kinds from (select kind from removed union select kind from stored) as c;
  end if;
  if cardinality(v_kinds) > 0 then
    perform ${s}.renew_limits(v_kinds, v_now);
    perform ${s}.renew_retentions(v_kinds, v_now);
  end if;
  perform ${s}.remove_old_starts(p_kinds, v_now);
  return query select min(r.worker), r.kind, r.concurrency, r.key_concurrency, r.rate_limit, r.rate_per, r.done_kept,
      r.failed_kept
    from ${s}.job_rules as r
    join unnest(p_kinds, p_concurrency, p_key_concurrency, p_rate_limit, p_rate_per, p_done_kept, p_failed_kept)
      as given (kind, c, k, l, p, d, f) using (kind)
    where r.worker <> p_worker
      and (r.concurrency, r.key_concurrency, r.rate_limit, r.rate_per, r.done_kept, r.failed_kept)
        is distinct from (given.c, given.k, given.l, given.p, given.d, given.f)
    group by r.kind, r.concurrency, r.key_concurrency, r.rate_limit, r.rate_per, r.done_kept, r.failed_kept;
end $$;
`

/** One index lookup per kind with due jobs, however many jobs it has. */
const unhandled = (s: string): string => /* sql */ `
create function ${s}.unhandled_kinds(p_now float8) returns setof text language plpgsql ${BY_INDEX} as $$
declare
  v_now timestamptz := ${s}.store_time(p_now);
  v_kind text;
  v_found integer := 0;
begin
  select w.kind into v_kind from ${s}.jobs_waiting as w where w.due order by w.kind limit 1;
  while v_kind is not null and v_found < 100 loop
    if not exists (
      select from ${s}.job_rules as r join ${s}.job_workers as w using (worker)
      where r.kind = v_kind and w.renewed_at > v_now - ${RULES_TTL}
    ) then
      v_found := v_found + 1;
      return next v_kind;
    end if;
    select (
      select w.kind from ${s}.jobs_waiting as w where w.due and w.kind > v_kind order by w.kind limit 1
    ) into v_kind;
  end loop;
end $$;
`
