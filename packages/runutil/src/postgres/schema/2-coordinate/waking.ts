import { BY_INDEX } from '../plan-settings.ts'

/**
 * Which specs are idle: have no open unit, as far as is known. A request searches only the others.
 *
 * A transaction that opens a unit wakes its spec afterwards, under a shared lock until the commit; a spec is marked as idle
 * under the exclusive lock and after a check. So no unit is open in a spec marked as idle: either the marking transaction sees
 * the unit, or the opening one sees the mark. The exclusive lock is only tried, never waited for, and nothing waits under
 * it.
 */
export const waking = (s: string): string => {
  const key = (id: string): string =>
    `hashtext('${s.replaceAll("'", "''")}.work_specs'), (${id} % 2147483648)::integer`
  return /* sql */ `
-- Also notifies the workers of the specs' namespaces, unless the channel is null.
create function ${s}.wake_specs(p_specs bigint[], p_channel text) returns void language plpgsql ${BY_INDEX} as $$
begin
  perform pg_advisory_xact_lock_shared(${key('id')}) from unnest(p_specs) as woken (id);
  update ${s}.work_specs set idle = false where id = any (p_specs) and idle;
  if p_channel is not null then
    perform pg_notify(p_channel, namespace::text)
      from (select distinct namespace from ${s}.work_specs where id = any (p_specs)) as woken;
  end if;
end $$;

create function ${s}.mark_idle(p_spec bigint) returns void language plpgsql ${BY_INDEX} as $$
begin
  if not pg_try_advisory_xact_lock(${key('p_spec')}) then return; end if;
  -- A separate statement, which sees what was committed before the lock.
  perform from ${s}.work_units where spec = p_spec and state = 'open' limit 1;
  if not found then update ${s}.work_specs set idle = true where id = p_spec and not idle; end if;
end $$;
`
}
