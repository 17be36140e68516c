import type { Migration } from './migration.ts'
import { PINNED } from './plan-settings.ts'

/** Who may do what only one process may do. A row a name, for ever: its fence only grows. */
export const leasesMigration: Migration = {
  number: 3,
  name: 'leases',
  sql: (s) => /* sql */ `
create table ${s}.leases (
  name text collate "C" primary key,
  fence bigint not null,
  -- When it is over; null when nobody has it.
  expires timestamptz,
  due timestamptz not null
);

-- The fence when it is taken; else how long until it is over, and until it is due, in ms.
create function ${s}.acquire_lease(
  p_name text, p_lease float8, p_every float8, out p_fence float8, out p_free_in float8, out p_due_in float8
) language plpgsql ${PINNED} as $$
declare
  v_lease ${s}.leases;
  v_now timestamptz;
begin
  insert into ${s}.leases (name, fence, due) values (p_name, 0, clock_timestamp()) on conflict do nothing;
  select * into v_lease from ${s}.leases where name = p_name for update;
  -- After all waiting.
  v_now := clock_timestamp();
  p_free_in := greatest(0, date_part('epoch', v_lease.expires - v_now) * 1000);
  p_due_in := case when p_every is null then 0 else greatest(0, date_part('epoch', v_lease.due - v_now) * 1000) end;
  if p_free_in > 0 or (v_lease.expires is null and p_due_in > 0) then return; end if;
  update ${s}.leases set fence = greatest(fence + 1, ${s}.on_timeline(1)), expires = v_now + p_lease * interval '1 ms',
    due = v_now + coalesce(p_every, 0) * interval '1 ms'
    where name = p_name returning fence into p_fence;
end $$;
`,
}
