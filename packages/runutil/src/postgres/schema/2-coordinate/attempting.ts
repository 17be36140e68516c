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
    status = case when u.state = 'pending' and u.expires > p_now then u.status end,
    attempt_data = case when u.state = 'pending' and u.expires > p_now then coalesce(u.attempt_data, u.data) end,
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
    update ${s}.work_units as u set active = null, status = null, attempt_data = null, tries = 0,
      state = case when u.not_before > v_now then 'delayed' else 'open' end
    where u.id = any (v_ids)
      and (p_statuses is null or ${s}.unit_status(u.status, u.expires, u.not_before, v_now) = any (p_statuses))
    returning u.id
  ) select count(*) into v_cleared from cleared;
  if v_cleared > 0 then perform ${s}.wake_specs(array[p_spec], p_channel); end if;
  return v_cleared;
end $$;

-- Makes an attempt at a unit, whoever has it. Returns "other" for a unit that isn't of the worker's namespace.
create function ${s}.make_attempt(p_worker bigint, p_unit bigint, p_lifetime float8, p_now float8)
returns text language plpgsql ${BY_INDEX} as $$
declare
  v_now timestamptz := ${s}.store_time(p_now);
  v_id bigint;
  v_namespace bigint;
begin
  select namespace into v_namespace from ${s}.work_workers where id = p_worker for key share;
  if not found then return null; end if;
  if v_namespace <> (select s.namespace from ${s}.work_units as u join ${s}.work_specs as s on s.id = u.spec where u.id = p_unit)
    then return '"other"'; end if;
  update ${s}.work_units as u set ${leasedBy(s, 'v_now')} where u.id = p_unit returning u.active into v_id;
  if not found then return null; end if;
  return ${s}.attempts_json(array[p_unit], array[v_id], v_now)::text;
end $$;

-- Ends attempts independently, and adds their chained units, given with the index of the attempt. A single status or delay stands
-- for all. Whether an attempt is still active and can be ended is asked of the row that is written, so that of two changes at the
-- same time the later sees the earlier.
-- Returns nothing when all have ended; else for each null, 'gone', 'lost', the status that it can't be ended from or, for one to be
-- finished with its stored data, that data if it may ask for units; then it hasn't ended.
create function ${s}.end_attempts(
  p_ids bigint[], p_of bigint[], p_statuses text[], p_datas text[], p_delays float8[],
  p_places integer[], p_names text[], p_unit_datas text[], p_priorities float8[], p_unit_delays float8[],
  p_channel text, p_now float8
) returns text language plpgsql ${BY_INDEX} as $$
declare
  v_now timestamptz := ${s}.store_time(p_now);
  v_ended bigint[];
  v_opened bigint[];
  v_next record;
begin
  with ended as (
    update ${s}.work_units as u set
      status = g.status, end_time = v_now, attempt_data = coalesce(g.data::json, u.attempt_data),
      state = case when g.status <> 'retryable' then 'closed' when g.delay > 0 then 'delayed' else 'open' end,
      not_before = case when g.status = 'retryable' then v_now + g.delay * interval '1 ms' else u.not_before end,
      delayed_since = case when g.status = 'retryable' then v_now else u.delayed_since end,
      tries = case when g.status = 'finished' then 0 else u.tries end
    from (
      -- In the order of the units, as whatever locks several.
      select distinct on (unit, id) unit, id, coalesce(status, p_statuses[1]) as status, data, coalesce(delay, p_delays[1]) as delay,
        place
      from unnest(p_ids, p_of, p_statuses, p_datas, p_delays) with ordinality as given (id, unit, status, data, delay, place)
      order by unit, id, place
    ) as g
    where ${lookedUp('u.id', 'g.unit')} and u.active = g.id and u.status in ('pending', 'expired')
      and not (g.data is null and g.status = 'finished' and coalesce(u.attempt_data, u.data) -> 'output' is not null
        and (select s.next_name <> '' from ${s}.work_specs as s where s.id = u.spec))
    returning g.place, case when g.status = 'retryable' then u.spec end as opened
  ) select array_agg(place), array_agg(distinct opened) filter (where opened is not null) into v_ended, v_opened from ended;
  if cardinality(p_places) > 0 then
    for v_next in
      select next.id, array_agg(c.name order by c.nth) as names, array_agg(c.data order by c.nth) as datas,
        array_agg(c.priority order by c.nth) as priorities,
        array_agg(case when c.delay > 0 then ${s}.work_ms(v_now) + c.delay end order by c.nth) as not_befores
      from unnest(p_places, p_names, p_unit_datas, p_priorities, p_unit_delays) with ordinality
        as c (place, name, data, priority, delay, nth)
      join ${s}.work_units as u on ${lookedUp('u.id', 'p_of[c.place]')} join ${s}.work_specs as s on s.id = u.spec
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
    select json_agg(case when g.place = any (coalesce(v_ended, '{}')) then null
      when coalesce(a.status, p.status) is null then '"gone"'
      when coalesce(a.status, p.status) not in ('pending', 'expired') then to_json(coalesce(a.status, p.status))
      when a.id is null then '"lost"' else coalesce(a.attempt_data, a.data) end order by g.place)::text
    from unnest(p_ids, p_of) with ordinality as g (id, unit, place)
    left join ${s}.work_units as a on a.id = g.unit and a.active = g.id
    left join ${s}.work_past_attempts as p on p.unit = g.unit and p.id = g.id
  );
end $$;

create function ${s}.renew_attempt(p_id bigint, p_unit bigint, p_extend float8, p_data text, p_now float8)
returns text language plpgsql ${BY_INDEX} as $$
declare
  v_now timestamptz := ${s}.store_time(p_now);
  v_status text;
begin
  update ${s}.work_units set attempt_data = coalesce(p_data::json, attempt_data), status = 'pending', end_time = null,
    lifetime_ms = p_extend, state = 'pending', expires = v_now + p_extend * interval '1 ms', leased_at = v_now
    where id = p_unit and active = p_id and status in ('pending', 'expired');
  if found then return null; end if;
  select status into v_status from ${s}.work_units where id = p_unit and active = p_id;
  if found then return v_status; end if;
  update ${s}.work_past_attempts set data = coalesce(p_data::json, data)
    where unit = p_unit and id = p_id and status in ('pending', 'expired');
  if found then return 'lost'; end if;
  return coalesce((select status from ${s}.work_past_attempts where unit = p_unit and id = p_id), 'gone');
end $$;

create function ${s}.expire_attempt(p_id bigint, p_unit bigint, p_data text, p_channel text, p_now float8)
returns text language plpgsql ${BY_INDEX} as $$
declare
  v_now timestamptz := ${s}.store_time(p_now);
  v_spec bigint;
  v_status text;
begin
  update ${s}.work_units set status = 'expired', end_time = v_now, attempt_data = coalesce(p_data::json, attempt_data),
    state = case when not_before > v_now then 'delayed' else 'open' end
    where id = p_unit and active = p_id and status = 'pending' and expires > v_now returning spec into v_spec;
  if found then
    perform ${s}.wake_specs(array[v_spec], p_channel);
    return null;
  end if;
  update ${s}.work_past_attempts set status = 'expired', end_time = v_now, data = coalesce(p_data::json, data)
    where unit = p_unit and id = p_id and status = 'pending' and expiration_time > v_now;
  if found then return null; end if;
  select ${s}.attempt_status(a.status, a.expires, v_now) into v_status from (
    select status, expires from ${s}.work_units where id = p_unit and active = p_id
    union all select status, expiration_time from ${s}.work_past_attempts where unit = p_unit and id = p_id
  ) as a;
  return case when not found then 'gone' when v_status <> 'expired' then v_status end;
end $$;
`

/** What leases a unit `u`: `p_worker` makes a new attempt at it, for `p_lifetime`. */
export const leasedBy = (
  s: string,
  now: string,
): string => `active = ${nextAttempt(s)}, worker = p_worker, start_time = ${now},
      end_time = null, expires = ${now} + p_lifetime * interval '1 ms', leased_at = ${now}, lifetime_ms = p_lifetime,
      status = 'pending', attempt_data = null, attempts = u.attempts + 1, tries = u.tries + 1, state = 'pending'`

export const nextAttempt = (s: string): string =>
  // The timeline is asked for once.
  `(select ${s}.on_timeline(0)) + nextval('${s.replaceAll("'", "''")}.work_attempt_numbers')`
