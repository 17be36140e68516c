import { BY_INDEX, lookedUp } from '../plan-settings.ts'

/** Requests: each chooses a spec and leases its first units. */
export const requesting = (s: string): string => /* sql */ `
-- Brings the states of a namespace's units up to date.
create function ${s}.refresh_units(p_namespace bigint, p_now float8) returns void language plpgsql ${BY_INDEX} as $$
declare
  v_now timestamptz;
  v_specs bigint[];
begin
  perform ${s}.cut_leases(p_namespace, p_now);
  v_now := ${s}.store_time(p_now);
  with expired as (
    select u.id, u.active from ${s}.work_specs as s
    join ${s}.work_units as u on u.spec = s.id and u.state = 'pending' and u.expires <= v_now
    where s.namespace = p_namespace limit 10000 for update of u skip locked
  ), ended as (
    update ${s}.work_attempts as a set status = 'expired', end_time = a.expiration_time
    from expired where ${lookedUp('a.id', 'expired.active')} and a.status = 'pending'
  ), due as (
    select id from ${s}.work_units where state = 'delayed' and not_before <= v_now
    order by not_before limit 10000 for update skip locked
  ), opened as (
    update ${s}.work_units as u set state = case when u.not_before > v_now then 'delayed' else 'open' end
    where u.id = any (array(select id from expired union all select id from due)) returning u.spec
  ) select array_agg(distinct spec) into v_specs from opened;
  perform ${s}.wake_specs(v_specs, null);
  perform ${s}.cut_delays(p_namespace, p_now);
end $$;

-- Makes requests one after another in one transaction, each as if it were alone: it sees what those before it leased. Returns for each,
-- as a list in JSON, what it leased, null for nothing, or 'gone' if there is no such worker.
create function ${s}.request_attempts(
  p_workers bigint[], p_specs text[], p_runtimes text[], p_gbs float8[], p_units integer[], p_lifetimes float8[],
  p_randoms float8[], p_refresh boolean, p_now float8
) returns text language plpgsql ${BY_INDEX} as $$
declare
  v_namespaces bigint[];
  v_namespace bigint;
  v_empty bigint[] := '{}';
  v_answer text;
  v_answers text[] := '{}';
begin
  v_namespaces := ${lockedNamespaces(s)};
  if p_refresh then perform ${s}.refresh_units(id, p_now) from unnest(v_namespaces) as locked (id); end if;
  for v_at in 1..cardinality(p_workers) loop
    select namespace into v_namespace from ${s}.work_workers where id = p_workers[v_at];
    if v_namespace = any (v_namespaces) then
      select r.p_empty, r.answer into v_empty, v_answer from ${s}.request_one(
        p_workers[v_at], v_namespace, p_specs[v_at]::text[], p_runtimes[v_at]::text[], p_gbs[v_at], p_units[v_at],
        p_lifetimes[v_at], p_randoms[v_at], p_now, v_empty) as r;
    else
      v_answer := '"gone"';
    end if;
    v_answers := v_answers || v_answer;
  end loop;
  -- Last, as nothing may wait after it.
  perform ${s}.mark_idle(id) from unnest(v_empty) as empty (id);
  return '[' || array_to_string(v_answers, ',') || ']';
end $$;

-- p_empty are specs of which this transaction has taken all units; nothing that follows opens any.
create function ${s}.request_one(
  p_worker bigint, p_namespace bigint, p_specs text[], p_runtimes text[], p_gb float8, p_units integer, p_lifetime float8,
  p_random float8, p_now float8, inout p_empty bigint[], out answer text
) language plpgsql ${BY_INDEX} as $$
declare
  v_now timestamptz := ${s}.store_time(p_now);
  v_choice record;
  v_units bigint[];
  v_spent bigint[];
begin
  loop
    select * into v_choice
      from ${s}.choose_spec(p_namespace, p_specs, p_runtimes, p_gb, p_units, p_random, p_empty, v_now);
    if v_choice.spec is null then
      answer := 'null';
      return;
    end if;
    if v_choice.continued then
      v_units := array[${s}.continue_spec(v_choice.spec, v_now)];
    else
      -- One more than wanted shows whether they are the last. Skips units locked by the late end of an attempt.
      select coalesce(array_agg(id), '{}') into v_units from (
        select id from ${s}.work_units where spec = v_choice.spec and state = 'open'
        order by priority desc, name limit v_choice.units + 1 for update skip locked
      ) as first;
      if cardinality(v_units) <= v_choice.units then p_empty := p_empty || v_choice.spec; end if;
      v_units := v_units[1:v_choice.units];
      if v_choice.retries > 0 then
        select array_agg(id) into v_spent from ${s}.work_units where id = any (v_units) and tries >= v_choice.retries;
        perform ${s}.fail_units(p_worker, v_spent, v_choice.retries, v_now);
        select array_agg(id order by priority desc, name) into v_units from ${s}.work_units
          where id = any (v_units) and id <> all (coalesce(v_spent, '{}'));
      end if;
    end if;
    exit when cardinality(v_units) > 0;
  end loop;
  -- Read after the counts, so that also by their times no more units are pending at once than allowed.
  answer := ${s}.lease_chosen(p_worker, v_choice.spec, v_units, p_lifetime, ${s}.store_time(p_now));
end $$;

-- Returns the common fields once.
create function ${s}.lease_chosen(
  p_worker bigint, p_spec bigint, p_units bigint[], p_lifetime float8, p_now timestamptz
) returns text language plpgsql ${BY_INDEX} as $$
declare
  v_leased json;
begin
  select json_agg(json_build_array(l.id, l.unit, l.name, l.data) order by l.id) into v_leased
    from ${s}.lease_units(p_worker, p_units, p_lifetime, p_now) as l;
  return (
    select json_build_object(
      'spec', json_build_object('id', s.id, 'name', s.name, 'task', s.task),
      'worker', json_build_object('id', w.id, 'name', w.name), 'lifetimeMs', p_lifetime,
      'startTime', ${s}.work_ms(p_now), 'expirationTime', ${s}.work_ms(p_now + p_lifetime * interval '1 ms'),
      'attempts', v_leased)::text
    from ${s}.work_specs as s, ${s}.work_workers as w where s.id = p_spec and w.id = p_worker
  );
end $$;

-- Fails units by new attempts, whose data says why; earlier attempts stay as they are.
create function ${s}.fail_units(p_worker bigint, p_units bigint[], p_retries float8, p_now timestamptz)
returns void language plpgsql ${BY_INDEX} as $$
begin
  with failed as (
    insert into ${s}.work_attempts
        (unit, worker, start_time, end_time, expiration_time, lifetime_ms, status, data)
      select u.id, p_worker, p_now, p_now, p_now, 0, 'failed', (
        select json_object_agg(key, value) from (
          select key, value from json_each(u.data) where key <> 'message'
          union all select 'message', to_json(format(
            'it had %s attempts since it was last added, cleared or finished; max_retries is %s', u.tries, p_retries))
        ) as field)
      from unnest(p_units) with ordinality as given (id, place) join ${s}.work_units as u on ${lookedUp('u.id', 'given.id')}
      order by given.place
    returning id, unit
  )
  update ${s}.work_units as u set active = failed.id, attempts = u.attempts + 1, tries = u.tries + 1, state = 'closed'
    from failed where ${lookedUp('u.id', 'failed.unit')};
end $$;

create function ${s}.continue_spec(p_spec bigint, p_now timestamptz) returns bigint language plpgsql ${BY_INDEX} as $$
declare
  v_name text := floor(date_part('epoch', p_now))::bigint::text;
begin
  update ${s}.work_specs set next_continuous = p_now + interval_ms * interval '1 ms', continuous_since = p_now
    where id = p_spec;
  perform ${s}.put_units(p_spec, array[v_name], array['{}'], array[0::float8], array[null::float8], null, p_now);
  return (select id from ${s}.work_units where spec = p_spec and name = v_name);
end $$;

-- Ends attempts, then makes requests, in one transaction, whose one commit is most of what either costs. Returns a list of both results.
create function ${s}.end_and_request(
  p_ids bigint[], p_statuses text[], p_datas text[], p_delays float8[],
  p_places integer[], p_names text[], p_unit_datas text[], p_priorities float8[], p_unit_delays float8[], p_channel text,
  p_workers bigint[], p_specs text[], p_runtimes text[], p_gbs float8[], p_units integer[], p_lifetimes float8[],
  p_randoms float8[], p_refresh boolean, p_now float8
) returns text language plpgsql ${BY_INDEX} as $$
declare
  v_ended text;
begin
  -- Before the units of the ends: who holds a namespace may wait for units, and not the other way round.
  perform ${lockedNamespaces(s)};
  v_ended := ${s}.end_attempts(p_ids, p_statuses, p_datas, p_delays, p_places, p_names, p_unit_datas, p_priorities,
    p_unit_delays, p_channel, p_now);
  return '[' || v_ended || ',' || ${s}.request_attempts(p_workers, p_specs, p_runtimes, p_gbs, p_units, p_lifetimes, p_randoms,
    p_refresh, p_now) || ']';
end $$;
`

/**
 * Locks the namespaces of workers and returns their ids: one transaction at a time requests in a namespace, so that its counts stay
 * true until it commits. In order, as requests of one statement may be of several.
 */
const lockedNamespaces = (s: string): string => `array(
    select n.id from ${s}.work_namespaces as n
    where n.id in (select w.namespace from ${s}.work_workers as w where w.id = any (p_workers))
    order by n.id for no key update of n)`
