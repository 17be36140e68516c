import { BY_INDEX, PINNED } from '../plan-settings.ts'
import { WORD_HOLDS } from './word-holds.ts'

/** The limits of kinds, from the rules of live workers. */
export const liveLimits = (s: string): string => /* sql */ `
-- The limits of these kinds by the current rules of live workers.
create function ${s}.limits_said(p_kinds text[], p_now timestamptz) returns table (
  kind text, concurrency integer, key_concurrency integer, rate_limits integer[], rate_pers float8[],
  good_until timestamptz
) language plpgsql ${PINNED} as $$
begin
  return query
    with said as materialized (
      select r.*, w.heard_at from ${s}.job_rules as r join ${s}.job_workers as w using (worker)
      where r.kind = any (p_kinds) and w.heard_at > p_now - ${WORD_HOLDS}
        and (r.concurrency is not null or r.key_concurrency is not null or r.rate_limit is not null)
    ), rates as (
      select r.kind, array_agg(r.least order by r.rate_per) as limits, array_agg(r.rate_per order by r.rate_per) as pers
      from (
        select said.kind, said.rate_per, min(said.rate_limit) as least from said
        where said.rate_limit is not null group by said.kind, said.rate_per
      ) as r group by r.kind
    )
    select said.kind, min(said.concurrency), min(said.key_concurrency), rates.limits, rates.pers,
      least(min(said.heard_at), p_now) + ${WORD_HOLDS}
    from said left join rates using (kind) group by said.kind, rates.limits, rates.pers;
end $$;

create function ${s}.renew_limits(p_kinds text[], p_now timestamptz) returns void language plpgsql ${BY_INDEX} as $$
declare
  v_changed text[];
  v_running text[];
begin
  -- Waits for claims that don't know yet that a kind is limited, so that the jobs they take are counted.
  if exists (
    select from ${s}.limits_said(p_kinds, p_now) as said
    where not exists (select from ${s}.job_limits as l where l.kind = said.kind)
  ) then lock table ${s}.job_limits in access exclusive mode; end if;
  perform from ${s}.job_limits as l where l.kind = any (p_kinds) order by l.kind for update;
  -- Full keys may have room now.
  delete from ${s}.job_backlogs as b where b.kind = any (p_kinds) and not exists (
    select from ${s}.limits_said(p_kinds, p_now) as said join ${s}.job_limits as l using (kind)
    where said.kind = b.kind and said.key_concurrency = l.key_concurrency
  );
  delete from ${s}.job_openings as o where o.kind = any (p_kinds)
    and not exists (select from ${s}.job_backlogs as b where b.kind = o.kind);
  delete from ${s}.job_limits as l where l.kind = any (p_kinds)
    and not exists (select from ${s}.limits_said(p_kinds, p_now) as said where said.kind = l.kind);
  with changed as (
    insert into ${s}.job_limits as l (kind, concurrency, key_concurrency, rate_limits, rate_pers, good_until)
      select * from ${s}.limits_said(p_kinds, p_now)
    on conflict (kind) do update set concurrency = excluded.concurrency, key_concurrency = excluded.key_concurrency,
      rate_limits = excluded.rate_limits, rate_pers = excluded.rate_pers, good_until = excluded.good_until
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
    from ${s}.job_claims as c, unnest(c.ids, c.seqs) as held (id, seq) join ${s}.jobs as j using (id, seq)
    where j.id = any (v_running) and j.status = 'PENDING'
    on conflict do nothing;
end $$;
`
