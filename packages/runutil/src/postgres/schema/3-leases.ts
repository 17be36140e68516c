import { FIRST_DELAY_MS, LONGEST_DELAY_MS, MOST_DOUBLINGS } from '../../leases/failure-delay.ts'
import type { Migration } from './migration.ts'
import { PINNED } from './plan-settings.ts'
import { SLACK } from './store-time.ts'

/** Leases on work that one process at a time may do. A row per name is never removed, since its fence only increases. */
export const leasesMigration: Migration = {
  number: 3,
  name: 'leases',
  sql: (s) => /* sql */ `
create table ${s}.leases (
  name text collate "C" primary key,
  fence bigint not null,
  -- When the lease expires; null when it is free.
  expires timestamptz,
  -- The length for which it was acquired or last renewed.
  lease_ms float8 not null default 0,
  -- When it was last acquired; null when that run doesn't count.
  started timestamptz,
  -- When the last failed run acquired it, and how many failed in a row.
  failed timestamptz,
  failures integer not null default 0,
  -- The schedule by which its runs are due; the version increases with each change of it.
  schedule text not null default '',
  version bigint not null default 0,
  -- Scheduled times up to this one need no run, in ms since the epoch; and the one it was last acquired for.
  settled_ms float8 not null,
  settles_ms float8 not null default 0
);

-- A time further ahead than its own length was written before the clock was set back: it now counts from p_now.
create function ${s}.cut_lease(p_name text, p_now timestamptz) returns boolean language plpgsql ${PINNED} as $$
declare
  v_latest timestamptz := p_now + ${SLACK};
begin
  update ${s}.leases set
    started = case when started > p_now then p_now else started end,
    failed = case when failed > p_now then p_now else failed end,
    expires = case when expires is not null then least(expires, p_now + lease_ms * interval '1 ms') end
    where name = p_name
      and (started > v_latest or failed > v_latest or expires > v_latest + lease_ms * interval '1 ms');
  return found;
end $$;

-- When the lease is due, in ms from now, by the caller's interval.
create function ${s}.lease_due_in(p_lease ${s}.leases, p_every float8, p_now timestamptz) returns float8
language sql stable ${PINNED} as $$
  select case
    when p_every is null then 0
    when p_lease.expires is null and p_lease.failures > 0 then
      date_part('epoch', p_lease.failed - p_now) * 1000 + least(p_every, ${LONGEST_DELAY_MS},
        ${FIRST_DELAY_MS} * power(2, least(${MOST_DOUBLINGS}, p_lease.failures - 1)))
    when p_lease.started is null then 0
    else date_part('epoch', p_lease.started - p_now) * 1000 + p_every
  end
$$;

-- Returns the fence when the lease is acquired; else the ms until it expires and until it is due. Also whether it was cut, and
-- the stored schedule: a caller that starts, and so passes no version, sets the schedule that applies from now on.
create function ${s}.acquire_lease(
  p_name text, p_lease float8, p_every float8, p_instant float8, p_schedule text, p_version float8,
  out p_fence float8, out p_free_in float8, out p_due_in float8, out p_cut boolean,
  out p_known_schedule text, out p_known_version float8, out p_now float8, out p_settled float8
) language plpgsql ${PINNED} as $$
declare
  v_lease ${s}.leases;
  v_now timestamptz;
begin
  insert into ${s}.leases (name, fence, settled_ms)
    values (p_name, 0, date_part('epoch', ${s}.store_time(null)) * 1000) on conflict do nothing;
  perform from ${s}.leases where name = p_name for update;
  -- After the wait for the row's lock.
  v_now := ${s}.store_time(null);
  p_cut := ${s}.cut_lease(p_name, v_now);
  -- A run in progress, or whose process died, may have to be repeated, so it isn't settled.
  if p_schedule is not null and p_version is null then
    update ${s}.leases set schedule = p_schedule, version = version + 1,
      settled_ms = greatest(settled_ms, case when expires is null then date_part('epoch', started) * 1000 end)
      where name = p_name and schedule <> p_schedule;
  end if;
  select * into v_lease from ${s}.leases where name = p_name;
  p_free_in := greatest(0, date_part('epoch', v_lease.expires - v_now) * 1000);
  p_now := date_part('epoch', v_now) * 1000;
  p_known_schedule := v_lease.schedule;
  p_known_version := v_lease.version;
  p_settled := v_lease.settled_ms;
  p_due_in := greatest(0, coalesce(p_instant - p_now, ${s}.lease_due_in(v_lease, p_every, v_now)));
  if p_free_in > 0 or p_version < v_lease.version then return; end if;
  if p_due_in > 0 and (v_lease.expires is null or p_instant is not null) then return; end if;
  if p_instant <= v_lease.settled_ms then return; end if;
  update ${s}.leases set fence = greatest(fence + 1, ${s}.on_timeline(1)), expires = v_now + p_lease * interval '1 ms',
    lease_ms = p_lease, started = v_now, settles_ms = coalesce(p_instant, p_now)
    where name = p_name returning fence into p_fence;
end $$;
`,
}
