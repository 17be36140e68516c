import { BY_INDEX, lookedUp } from '../plan-settings.ts'

/** Adding units, and making, renewing and ending attempts at them. */
export const attempting = (s: string): string => /* sql */ `
-- Of several units with one name, the last counts. p_since: when the delays in p_not_befores began; null for times of day. An
-- existing unit is overwritten and, unless it is pending, runs again.
create function ${s}.put_units(
  p_spec bigint, p_names text[], p_datas text[], p_priorities float8[], p_not_befores float8[], p_since timestamptz,
  p_now timestamptz
) returns void language plpgsql ${BY_INDEX} as $$
begin
  insert into ${s}.work_units as u (spec, name, data, priority, not_before, delayed_since, state)
    select distinct on (name) p_spec, name, data::json, priority, to_timestamp(not_before / 1000.0),
      case when not_before is not null then p_since end,
      case when to_timestamp(not_before / 1000.0) > p_now then 'delayed' else 'open' end
    from unnest(p_names, p_datas, p_priorities, p_not_befores) with ordinality
      as given (name, data, priority, not_before, place)
    order by name, place desc
  on conflict (spec, name) do update set data = excluded.data, priority = excluded.priority,
    not_before = excluded.not_before, tries = 0,
    delayed_since = excluded.delayed_since,
    active = case when u.state = 'pending' and u.expires > p_now then u.active end,
    state = case when u.state = 'pending' and u.expires > p_now then 'pending' else excluded.state end;
end $$;

create function ${s}.add_work_units(
  p_spec bigint, p_names text[], p_datas text[], p_priorities float8[], p_not_befores float8[], p_channel text,
  p_now float8
) returns text language plpgsql ${BY_INDEX} as $$
begin
  perform from ${s}.work_specs where id = p_spec for key share;
  if not found then return null; end if;
  perform ${s}.put_units(p_spec, p_names, p_datas, p_priorities, p_not_befores, null, ${s}.store_time(p_now));
  perform ${s}.wake_specs(array[p_spec], p_channel);
  return (
    select coalesce(json_agg(u.id order by given.place), '[]')::text
    from unnest(p_names) with ordinality as given (name, place)
    -- Lateral, so that each is looked up in its turn: else all units of the spec may be read.
    cross join lateral (select o.id from ${s}.work_units as o where o.spec = p_spec and o.name = given.name offset 0) as u
  );
end $$;

-- Makes the selected units available again, with their own data.
create function ${s}.clear_units(
  p_spec bigint, p_names text[], p_statuses text[], p_previous text, p_limit bigint, p_channel text, p_now float8
) returns float8 language plpgsql ${BY_INDEX} as $$
declare
  v_now timestamptz := ${s}.store_time(p_now);
  v_ids bigint[];
  v_cleared float8;
begin
  perform from ${s}.work_specs where id = p_spec for key share;
  if not found then return null; end if;
  select array_agg(id) into v_ids
    from ${s}.select_units(p_spec, p_names, p_statuses, p_previous, p_limit, v_now);
  perform from ${s}.work_units where id = any (v_ids) order by id for update;
  -- Read again now that they are locked.
  with cleared as (
    update ${s}.work_units as u set active = null, tries = 0,
      state = case when u.not_before > v_now then 'delayed' else 'open' end
    where u.id = any (v_ids) and (p_statuses is null or (
      select ${s}.unit_status(max(a.status), max(a.expiration_time), u.not_before, v_now)
      from ${s}.work_attempts as a where a.id = u.active) = any (p_statuses))
    returning u.id
  ) select count(*) into v_cleared from cleared;
  if v_cleared > 0 then perform ${s}.wake_specs(array[p_spec], p_channel); end if;
  return v_cleared;
end $$;

create function ${s}.lease_units(p_worker bigint, p_units bigint[], p_lifetime float8, p_now timestamptz)
returns table (id bigint, unit bigint, name text, data json) language plpgsql ${BY_INDEX} as $$
begin
  return query
    with leased as (
      insert into ${s}.work_attempts as a (unit, worker, start_time, expiration_time, lifetime_ms, data)
        select u.id, p_worker, p_now, p_now + p_lifetime * interval '1 ms', p_lifetime, u.data
        from unnest(p_units) with ordinality as given (id, place) join ${s}.work_units as u on ${lookedUp('u.id', 'given.id')}
        order by given.place
      returning a.id, a.unit, a.expiration_time, a.data
    )
    update ${s}.work_units as u set
      active = leased.id, attempts = u.attempts + 1, tries = u.tries + 1,
      state = 'pending', expires = leased.expiration_time, leased_at = p_now
    from leased where ${lookedUp('u.id', 'leased.unit')}
    returning leased.id, leased.unit, u.name, leased.data;
end $$;

create function ${s}.make_attempt(p_worker bigint, p_unit bigint, p_lifetime float8, p_now float8)
returns text language plpgsql ${BY_INDEX} as $$
declare
  v_now timestamptz := ${s}.store_time(p_now);
  v_ids bigint[];
begin
  perform from ${s}.work_workers where id = p_worker for key share;
  if not found then return null; end if;
  perform from ${s}.work_units where id = p_unit for update;
  if not found then return null; end if;
  select array_agg(l.id) into v_ids from ${s}.lease_units(p_worker, array[p_unit], p_lifetime, v_now) as l;
  return ${s}.attempts_json(v_ids, v_now)::text;
end $$;

-- Ends attempts independently, and adds their chained units, given with the index of the attempt. Locks their units, so that
-- none is taken meanwhile. Returns nothing when all have ended; else for each null, 'gone', 'lost', the status that it can't be
-- ended from or, for one to be finished with its stored data, that data if it may ask for units; then it hasn't ended.
create function ${s}.end_attempts(
  p_ids bigint[], p_statuses text[], p_datas text[], p_delays float8[],
  p_places integer[], p_names text[], p_unit_datas text[], p_priorities float8[], p_unit_delays float8[],
  p_channel text, p_now float8
) returns text language plpgsql ${BY_INDEX} as $$
declare
  v_now timestamptz := ${s}.store_time(p_now);
  v_ended bigint[];
  v_opened bigint[];
  v_next record;
begin
  perform from ${s}.work_units where id in (select unit from ${s}.work_attempts where id = any (p_ids))
    order by id for update;
  with ended as (
    update ${s}.work_attempts as a set status = g.status, end_time = v_now, data = coalesce(g.data::json, a.data)
    from (
      select distinct on (id) id, status, data, delay, place
      from unnest(p_ids, p_statuses, p_datas, p_delays) with ordinality as given (id, status, data, delay, place)
      order by id, place
    ) as g join ${s}.work_attempts as b on ${lookedUp('b.id', 'g.id')}
      join ${s}.work_units as u on ${lookedUp('u.id', 'b.unit')} join ${s}.work_specs as s on s.id = u.spec
    where ${lookedUp('a.id', 'g.id')} and b.status in ('pending', 'expired') and u.active = g.id
      and not (g.data is null and g.status = 'finished' and s.next_name <> '' and b.data -> 'output' is not null)
    returning a.unit, g.status, g.delay, g.place
  ), closed as (
    update ${s}.work_units as u set
      state = case when e.status <> 'retryable' then 'closed' when e.delay > 0 then 'delayed' else 'open' end,
      not_before = case when e.status = 'retryable' then v_now + e.delay * interval '1 ms' else u.not_before end,
      delayed_since = case when e.status = 'retryable' then v_now else u.delayed_since end,
      tries = case when e.status = 'finished' then 0 else u.tries end
    from ended as e where ${lookedUp('u.id', 'e.unit')}
    returning e.place, case when e.status = 'retryable' then u.spec end as opened
  ) select array_agg(place), array_agg(distinct opened) filter (where opened is not null) into v_ended, v_opened from closed;
  if cardinality(p_places) > 0 then
    for v_next in
      select next.id, array_agg(c.name order by c.nth) as names, array_agg(c.data order by c.nth) as datas,
        array_agg(c.priority order by c.nth) as priorities,
        array_agg(case when c.delay > 0 then ${s}.work_ms(v_now) + c.delay end order by c.nth) as not_befores
      from unnest(p_places, p_names, p_unit_datas, p_priorities, p_unit_delays) with ordinality
        as c (place, name, data, priority, delay, nth)
      join ${s}.work_attempts as a on ${lookedUp('a.id', 'p_ids[c.place]')}
      join ${s}.work_units as u on ${lookedUp('u.id', 'a.unit')} join ${s}.work_specs as s on s.id = u.spec
      join ${s}.work_specs as next on next.namespace = s.namespace and next.name = s.next_name
      where c.place = any (v_ended) group by next.id order by next.id
    loop
      perform ${s}.put_units(v_next.id, v_next.names, v_next.datas, v_next.priorities, v_next.not_befores, v_now, v_now);
      v_opened := v_opened || v_next.id;
    end loop;
  end if;
  if v_opened is not null then perform ${s}.wake_specs(v_opened, p_channel); end if;
  if cardinality(v_ended) = cardinality(p_ids) then return '[]'; end if;
  return (
    select json_agg(case when g.place = any (coalesce(v_ended, '{}')) then null when u.id is null then '"gone"'
      when a.status not in ('pending', 'expired') then to_json(a.status) when u.active is distinct from a.id then '"lost"'
      else a.data end order by g.place)::text
    from unnest(p_ids) with ordinality as g (id, place)
    left join ${s}.work_attempts as a on a.id = g.id left join ${s}.work_units as u on u.id = a.unit
  );
end $$;

create function ${s}.renew_attempt(p_id bigint, p_extend float8, p_data text, p_now float8)
returns text language plpgsql ${BY_INDEX} as $$
declare
  v_now timestamptz := ${s}.store_time(p_now);
  v_unit ${s}.work_units;
  v_status text;
begin
  select u.* into v_unit from ${s}.work_units as u
    where u.id = (select unit from ${s}.work_attempts where id = p_id) for update;
  if v_unit.id is null then return 'gone'; end if;
  select status into v_status from ${s}.work_attempts where id = p_id for update;
  if v_status not in ('pending', 'expired') then return v_status; end if;
  update ${s}.work_attempts set data = coalesce(p_data::json, data) where id = p_id;
  if v_unit.active is distinct from p_id then return 'lost'; end if;
  update ${s}.work_attempts set status = 'pending', end_time = null, lifetime_ms = p_extend,
    expiration_time = v_now + p_extend * interval '1 ms' where id = p_id;
  update ${s}.work_units set state = 'pending', expires = v_now + p_extend * interval '1 ms', leased_at = v_now
    where id = v_unit.id;
  return null;
end $$;

create function ${s}.expire_attempt(p_id bigint, p_data text, p_channel text, p_now float8)
returns text language plpgsql ${BY_INDEX} as $$
declare
  v_now timestamptz := ${s}.store_time(p_now);
  v_unit ${s}.work_units;
  v_status text;
begin
  select u.* into v_unit from ${s}.work_units as u
    where u.id = (select unit from ${s}.work_attempts where id = p_id) for update;
  if v_unit.id is null then return 'gone'; end if;
  select ${s}.attempt_status(status, expiration_time, v_now) into v_status from ${s}.work_attempts where id = p_id for update;
  if v_status = 'expired' then return null; end if;
  if v_status <> 'pending' then return v_status; end if;
  update ${s}.work_attempts set status = 'expired', end_time = v_now, data = coalesce(p_data::json, data) where id = p_id;
  update ${s}.work_units set state = case when not_before > v_now then 'delayed' else 'open' end
    where id = v_unit.id and active = p_id;
  perform ${s}.wake_specs(array[v_unit.spec], p_channel);
  return null;
end $$;
`
