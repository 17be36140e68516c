import { BY_INDEX, PINNED, lookedUp } from '../plan-settings.ts'
import { RULES_TTL } from './rules-ttl.ts'

/** The limits of kinds, from the rules of live workers. */
export const liveLimits = (s: string): string => /* sql */ `
-- The limits of these kinds by the current rules of live workers.
create function ${s}.live_limits(p_kinds text[], p_now timestamptz) returns table (
  kind text, concurrency integer, key_concurrency integer, rate_limits integer[], rate_pers float8[],
  valid_until timestamptz
) language plpgsql ${PINNED} as $$
begin
  return query
    with live as materialized (
      select r.*, w.renewed_at from ${s}.job_rules as r join ${s}.job_workers as w using (worker)
      where r.kind = any (p_kinds) and w.renewed_at > p_now - ${RULES_TTL}
        and (r.concurrency is not null or r.key_concurrency is not null or r.rate_limit is not null)
    ), rates as (
      select r.kind, array_agg(r.least order by r.rate_per) as limits, array_agg(r.rate_per order by r.rate_per) as pers
      from (
        select live.kind, live.rate_per, min(live.rate_limit) as least from live
        where live.rate_limit is not null group by live.kind, live.rate_per
      ) as r group by r.kind
    )
    select live.kind, min(live.concurrency), min(live.key_concurrency), rates.limits, rates.pers,
      least(min(live.renewed_at), p_now) + ${RULES_TTL}
    from live left join rates using (kind) group by live.kind, rates.limits, rates.pers;
end $$;

create function ${s}.renew_limits(p_kinds text[], p_now timestamptz) returns void language plpgsql ${BY_INDEX} as $$
declare
  v_changed text[];
  v_running text[];
begin
  -- Waits for claims that don't know yet that a kind is limited, so that the jobs they take are counted.
  if exists (
    select from ${s}.live_limits(p_kinds, p_now) as live
    where not exists (select from ${s}.job_limits as l where l.kind = live.kind)
  ) then lock table ${s}.job_limits in access exclusive mode; end if;
  perform from ${s}.job_limits as l where l.kind = any (p_kinds) order by l.kind for update;
  -- Full keys may have room now.
  delete from ${s}.job_backlogs as b where b.kind = any (p_kinds) and not exists (
    select from ${s}.live_limits(p_kinds, p_now) as live join ${s}.job_limits as l using (kind)
    where live.kind = b.kind and live.key_concurrency = l.key_concurrency
  );
  delete from ${s}.job_unblocked_keys as o where o.kind = any (p_kinds)
    and not exists (select from ${s}.job_backlogs as b where b.kind = o.kind);
  delete from ${s}.job_limits as l where l.kind = any (p_kinds)
    and not exists (select from ${s}.live_limits(p_kinds, p_now) as live where live.kind = l.kind);
  with changed as (
    insert into ${s}.job_limits as l (kind, concurrency, key_concurrency, rate_limits, rate_pers, valid_until)
      select * from ${s}.live_limits(p_kinds, p_now)
    on conflict (kind) do update set concurrency = excluded.concurrency, key_concurrency = excluded.key_concurrency,
      rate_limits = excluded.rate_limits, rate_pers = excluded.rate_pers, valid_until = excluded.valid_until
    returning kind
  ) select array_agg(kind) into v_changed from changed;
  -- Jobs that run already count too. A locked job is just being ended, released or counted by another transaction.
  v_running := array(
    select j.id from ${s}.jobs as j
    where j.id in (select unnest(c.ids) from ${s}.job_claims as c) and j.kind = any (v_changed) and j.status = 'PENDING'
    for share of j skip locked
  );
  -- Read again, since some may have ended before they were locked; from here on, none can.
  insert into ${s}.job_slots (id, claim, kind, key)
    select j.id, c.claim, j.kind, j.key
    from ${s}.job_claims as c, unnest(c.ids, c.seqs) as held (id, seq) join ${s}.jobs as j
      on ${lookedUp('j.id', 'held.id')} and j.seq = held.seq
    where j.id = any (v_running) and j.status = 'PENDING'
    on conflict do nothing;
end $$;
`
