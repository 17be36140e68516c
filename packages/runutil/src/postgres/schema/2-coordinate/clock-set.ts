import { BY_INDEX } from '../plan-settings.ts'
import { SLACK } from '../store-time.ts'

/**
 * For a database clock that was set back. A duration that began in the future was written before that: it is cut to its own
 * length, counted from now; times of day stay. The time is read after the rows, so that rows written meanwhile aren't
 * mistaken for such.
 */
export const clockSet = (s: string): string => /* sql */ `
create function ${s}.cut_leases(p_namespace bigint, p_now float8) returns void language plpgsql ${BY_INDEX} as $$
declare
  v_now timestamptz := ${s}.store_time(p_now);
  v_ids bigint[];
begin
  v_ids := array(
    select u.id from ${s}.work_units as u where u.state = 'pending' and u.leased_at > v_now + ${SLACK}
      and exists (select from ${s}.work_specs as s where s.id = u.spec and s.namespace = p_namespace)
    limit 10000 for update of u skip locked
  );
  if v_ids = '{}' then return; end if;
  v_now := ${s}.store_time(p_now);
  update ${s}.work_units set expires = v_now + lifetime_ms * interval '1 ms', leased_at = v_now
    where id = any (v_ids) and leased_at > v_now + ${SLACK};
end $$;

-- Cuts the delays of retries and chained units, and the intervals of continuous specs.
create function ${s}.cut_delays(p_namespace bigint, p_now float8) returns void language plpgsql ${BY_INDEX} as $$
declare
  v_now timestamptz := ${s}.store_time(p_now);
  v_ids bigint[];
begin
  v_ids := array(
    select u.id from ${s}.work_units as u
    where u.state = 'delayed' and u.delayed_since is not null and u.delayed_since > v_now + ${SLACK}
      and exists (select from ${s}.work_specs as s where s.id = u.spec and s.namespace = p_namespace)
    limit 10000 for update of u skip locked
  );
  if v_ids <> '{}' then
    v_now := ${s}.store_time(p_now);
    update ${s}.work_units as u set not_before = v_now + (u.not_before - u.delayed_since), delayed_since = v_now
      where u.id = any (v_ids) and u.delayed_since > v_now + ${SLACK};
  end if;
  update ${s}.work_specs set next_continuous = v_now + (next_continuous - continuous_since), continuous_since = v_now
    where namespace = p_namespace and continuous_since > v_now + ${SLACK};
end $$;
`
