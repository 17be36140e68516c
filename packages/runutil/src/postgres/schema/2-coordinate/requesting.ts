import { BY_INDEX, lookedUp } from '../plan-settings.ts'
import { leasedBy, nextAttempt } from './attempting.ts'

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
    select u.id from ${s}.work_specs as s
    join ${s}.work_units as u on u.spec = s.id and u.state = 'pending' and u.expires <= v_now
    where s.namespace = p_namespace limit 10000 for update of u skip locked
  ), due as (
    select id from ${s}.work_units where state = 'delayed' and not_before <= v_now
    order by not_before limit 10000 for update skip locked
  ), opened as (
    update ${s}.work_units as u set state = case when u.not_before > v_now then 'delayed' else 'open' end,
      status = case when u.status = 'pending' then 'expired' else u.status end,
      end_time = case when u.status = 'pending' then u.expires else u.end_time end
    where u.id = any (array(select id from expired union all select id from due)) returning u.spec
  ) select array_agg(distinct spec) into v_specs from opened;
  perform ${s}.wake_specs(v_specs, null);
  perform ${s}.cut_delays(p_namespace, p_now);
end $$;

-- Locks the namespaces of workers, and returns them in the order of these, null of one that is gone: one transaction at a time requests
-- in a namespace, so that its counts stay true until it commits. Locks in order, as requests of one statement may be of several.
create function ${s}.lock_namespaces(p_workers bigint[]) returns bigint[] language plpgsql ${BY_INDEX} as $$
declare
  v_namespace bigint;
begin
  if cardinality(p_workers) = 1 then
    select n.id into v_namespace from ${s}.work_workers as w join ${s}.work_namespaces as n on n.id = w.namespace
      where w.id = p_workers[1] for no key update of n;
    return array[v_namespace];
  end if;
  return array(
    with locked as materialized (
      select w.id, w.namespace from ${s}.work_workers as w join ${s}.work_namespaces as n on n.id = w.namespace
      where w.id = any (p_workers) order by w.namespace for no key update of n
    )
    select l.namespace from unnest(p_workers) with ordinality as given (id, place) left join locked as l on l.id = given.id
    order by given.place);
end $$;

-- Makes requests one after another in one transaction, each as if it were alone: it sees what those before it leased. Returns for each,
-- as a list in JSON, what it leased, null for nothing, or 'gone' if there is no such worker.
create function ${s}.request_attempts(
  p_workers bigint[], p_specs text[], p_runtimes text[], p_gbs float8[], p_units integer[], p_lifetimes float8[],
  p_randoms float8[], p_refresh boolean, p_now float8
) returns text language plpgsql ${BY_INDEX} as $$
begin
  return ${s}.make_requests(${s}.lock_namespaces(p_workers), p_workers, p_specs, p_runtimes, p_gbs, p_units, p_lifetimes, p_randoms,
    p_refresh, p_now);
end $$;

-- p_namespaces are those of the workers, locked.
create function ${s}.make_requests(
  p_namespaces bigint[], p_workers bigint[], p_specs text[], p_runtimes text[], p_gbs float8[], p_units integer[],
  p_lifetimes float8[], p_randoms float8[], p_refresh boolean, p_now float8
) returns text language plpgsql ${BY_INDEX} as $$
declare
  v_empty bigint[] := '{}';
  v_one record;
  v_answers text[] := '{}';
begin
  if p_refresh then
    perform ${s}.refresh_units(id, p_now) from (select distinct id from unnest(p_namespaces) as of (id) where id is not null) as ids;
  end if;
  for v_at in 1..cardinality(p_workers) loop
    if p_namespaces[v_at] is null then
      v_answers := v_answers || '"gone"'::text;
    else
      v_one := ${s}.request_one(
        p_workers[v_at], p_namespaces[v_at], p_specs[v_at]::text[], p_runtimes[v_at]::text[], p_gbs[v_at], p_units[v_at],
        p_lifetimes[v_at], p_randoms[v_at], p_now, v_empty);
      v_empty := v_one.p_empty;
      v_answers := v_answers || v_one.answer;
    end if;
  end loop;
  -- Last, as nothing may wait after it.
  if v_empty <> '{}' then perform ${s}.mark_idle(id) from unnest(v_empty) as empty (id); end if;
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
  v_unit bigint;
  v_failed integer;
  v_found bigint;
  v_leased json;
begin
  loop
    v_choice := ${s}.choose_spec(p_namespace, p_specs, p_runtimes, p_gb, p_units, p_random, p_empty, v_now);
    if v_choice.spec is null then
      answer := 'null';
      return;
    end if;
    if v_choice.continued then v_unit := ${s}.continue_spec(v_choice.spec, v_now); end if;
    -- Read after the counts, so that also by their times no more units are pending at once than allowed.
    v_now := ${s}.store_time(p_now);
    if v_choice.continued then
      with leased as (update ${s}.work_units as u set ${leasedBy(s, 'v_now')} where u.id = v_unit returning ${LEASED})
        ${ANSWERED} into v_leased from leased;
    else
      v_failed := case when v_choice.retries > 0
        then ${s}.fail_spent(p_worker, v_choice.spec, v_choice.units, v_choice.retries, v_now) else 0 end;
      -- One more than wanted shows whether they are the last. Skips units locked by the late end of an attempt.
      with first as materialized (
        ${firstOpen(s, 'v_choice.spec', 'v_choice.units - v_failed + 1')} for update skip locked
      ), leased as (
        update ${s}.work_units as u set ${leasedBy(s, 'v_now')}
        from (select id from first limit v_choice.units - v_failed) as wanted where ${lookedUp('u.id', 'wanted.id')} returning ${LEASED}
      ) ${ANSWERED}, (select count(*) from first) into v_leased, v_found from leased;
      if v_found <= v_choice.units - v_failed then p_empty := p_empty || v_choice.spec; end if;
    end if;
    exit when v_leased is not null;
  end loop;
  -- The common fields once.
  answer := json_build_object(
    'spec', json_build_object('id', v_choice.spec, 'name', v_choice.name, 'task', v_choice.task), 'lifetimeMs', p_lifetime,
    'startTime', ${s}.work_ms(v_now), 'expirationTime', ${s}.work_ms(v_now + p_lifetime * interval '1 ms'),
    'attempts', v_leased)::text;
end $$;

-- Of the first p_units of a spec, fails those that have had p_retries attempts, by new attempts whose data says why; earlier attempts
-- stay as they are. Returns how many.
create function ${s}.fail_spent(p_worker bigint, p_spec bigint, p_units integer, p_retries float8, p_now timestamptz)
returns integer language plpgsql ${BY_INDEX} as $$
declare
  v_failed integer;
begin
  if not exists (select from (${firstOpen(s, 'p_spec', 'p_units')}) as f where f.tries >= p_retries) then
    return 0;
  end if;
  with first as materialized (
    ${firstOpen(s, 'p_spec', 'p_units')} for update skip locked
  ), failed as (
    update ${s}.work_units as u set active = ${nextAttempt(s)}, worker = p_worker, start_time = p_now, end_time = p_now,
      expires = p_now, lifetime_ms = 0, status = 'failed', attempts = u.attempts + 1, tries = u.tries + 1, state = 'closed',
      attempt_data = (
        select json_object_agg(key, value) from (
          select key, value from json_each(u.data) where key <> 'message'
          union all select 'message', to_json(format(
            'it had %s attempts since it was last added, cleared or finished; max_retries is %s', u.tries, p_retries))
        ) as field)
    from first where ${lookedUp('u.id', 'first.id')} and first.tries >= p_retries returning u.id
  ) select count(*) into v_failed from failed;
  return v_failed;
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
  p_ids bigint[], p_of bigint[], p_statuses text[], p_datas text[], p_delays float8[],
  p_places integer[], p_names text[], p_unit_datas text[], p_priorities float8[], p_unit_delays float8[], p_channel text,
  p_workers bigint[], p_specs text[], p_runtimes text[], p_gbs float8[], p_units integer[], p_lifetimes float8[],
  p_randoms float8[], p_refresh boolean, p_now float8
) returns text language plpgsql ${BY_INDEX} as $$
declare
  -- Before the units of the ends: who holds a namespace may wait for units, and not the other way round.
  v_namespaces bigint[] := ${s}.lock_namespaces(p_workers);
  v_ended text;
begin
  v_ended := ${s}.end_attempts(p_ids, p_of, p_statuses, p_datas, p_delays, p_places, p_names, p_unit_datas, p_priorities,
    p_unit_delays, p_channel, p_now);
  return '[' || v_ended || ',' || ${s}.make_requests(v_namespaces, p_workers, p_specs, p_runtimes, p_gbs, p_units, p_lifetimes,
    p_randoms, p_refresh, p_now) || ']';
end $$;
`

/** The first units of a spec that may be leased. */
const firstOpen = (s: string, spec: string, limit: string): string => `select id, tries from ${s}.work_units
        where spec = ${spec} and state = 'open' order by priority desc, name limit ${limit}`

const LEASED = 'u.active, u.id, u.name, u.data'
const ANSWERED = 'select json_agg(json_build_array(active, id, name, data) order by active)'
