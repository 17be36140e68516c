import { BY_INDEX } from './by-index.ts'

/** Choosing a spec and leasing its units. The rules are those of `choose` in coordinate/scheduler.ts. */
export const requesting = (s: string): string => `
-- Brings the states of a namespace's units up to date.
create function ${s}.refresh_units(p_namespace bigint, p_now timestamptz) returns void language plpgsql ${BY_INDEX} as $$
begin
  with expired as (
    select u.id, u.active from ${s}.work_specs as s
    join ${s}.work_units as u on u.spec = s.id and u.state = 'pending' and u.expires <= p_now
    where s.namespace = p_namespace limit 10000 for update of u skip locked
  ), ended as (
    update ${s}.work_attempts as a set status = 'expired', end_time = a.expiration_time
    from expired where a.id = expired.active and a.status = 'pending'
  )
  update ${s}.work_units as u set state = case when u.not_before > p_now then 'delayed' else 'open' end
    from expired where u.id = expired.id;
  update ${s}.work_units set state = 'open' where id = any (array(
    select id from ${s}.work_units where state = 'delayed' and not_before <= p_now
    order by not_before limit 10000 for update skip locked
  ));
end $$;

create function ${s}.choose_spec(
  p_namespace bigint, p_specs text[], p_runtimes text[], p_gb float8, p_units integer, p_random float8, p_now timestamptz
) returns table (spec bigint, units integer, continued boolean) language sql stable as $$
  with counted as (
    select s.id, s.name, s.next_continuous,
      (s.meta ->> 'priority')::float8 as priority, (s.meta ->> 'weight')::float8 as weight,
      (s.meta ->> 'maxRunning')::float8 as most, (s.meta ->> 'maxAttemptsReturned')::float8 as at_once,
      (s.meta ->> 'continuous')::boolean as continuous,
      exists (select from ${s}.work_units as u where u.spec = s.id and u.state = 'open') as available,
      (select count(*) from ${s}.work_units as u where u.spec = s.id and u.state = 'pending') as pending
    from ${s}.work_specs as s
    where s.namespace = p_namespace and not (s.meta ->> 'paused')::boolean
      and (s.meta ->> 'weight')::float8 > 0
      and (p_specs is null or s.name = any (p_specs))
      and (p_runtimes is null or s.meta ->> 'runtime' = any (p_runtimes))
      and (p_gb is null or (s.meta ->> 'minMemoryGb')::float8 <= p_gb)
  ), eligible as (
    select * from counted where (most <= 0 or pending < most)
      and (available or (continuous and pending = 0 and coalesce(next_continuous <= p_now, true)))
  ), highest as (
    select *, greatest(0, weight * (sum(pending) over () + 1) - sum(weight) over () * pending) as chance
    from eligible where priority = (select max(priority) from eligible)
  ), running as (
    select *, sum(chance) over (order by name) as upto, sum(chance) over () as total from highest
  )
  select id, floor(least(p_units, case when at_once > 0 then at_once else p_units end,
    case when most > 0 then most - pending else p_units end))::integer, not available
  from running where chance > 0 and (upto > p_random * total or upto = total) order by upto limit 1
$$;

create function ${s}.request_attempts(
  p_worker bigint, p_specs text[], p_runtimes text[], p_gb float8, p_units integer, p_lifetime float8, p_random float8,
  p_refresh boolean, p_now float8
) returns text language plpgsql ${BY_INDEX} as $$
declare
  v_now timestamptz;
  v_namespace bigint;
  v_choice record;
  v_units bigint[];
  v_spent bigint[];
  v_retries float8;
begin
  select namespace into v_namespace from ${s}.work_workers where id = p_worker for key share;
  if not found then return null; end if;
  -- One request at a time: what it counts stays true until it commits.
  perform from ${s}.work_namespaces where id = v_namespace for no key update;
  v_now := ${s}.job_time(p_now);
  if p_refresh then perform ${s}.refresh_units(v_namespace, v_now); end if;
  loop
    select * into v_choice from ${s}.choose_spec(v_namespace, p_specs, p_runtimes, p_gb, p_units, p_random, v_now);
    if not found then return 'null'; end if;
    if v_choice.continued then
      v_units := array[${s}.continue_spec(v_choice.spec, v_now)];
    else
      select array_agg(id) into v_units from (
        select id from ${s}.work_units where spec = v_choice.spec and state = 'open'
        order by priority desc, name limit v_choice.units for update
      ) as first;
      select (meta ->> 'maxRetries')::float8 into v_retries from ${s}.work_specs where id = v_choice.spec;
      if v_retries > 0 then
        select array_agg(id) into v_spent from ${s}.work_units where id = any (v_units) and attempts >= v_retries;
        perform ${s}.fail_units(v_spent, v_now);
        select array_agg(id order by priority desc, name) into v_units from ${s}.work_units
          where id = any (v_units) and id <> all (coalesce(v_spent, '{}'));
      end if;
    end if;
    exit when v_units is not null;
  end loop;
  -- After all that was counted as over: by the times too, no more than may are pending at once.
  v_now := ${s}.job_time(p_now);
  -- What all of them have is said once.
  return (
    select json_build_object(
      'spec', json_build_object('id', s.id, 'name', s.name), 'worker', json_build_object('id', w.id, 'name', w.name),
      'startTime', ${s}.work_ms(v_now), 'expirationTime', ${s}.work_ms(v_now + p_lifetime * interval '1 ms'),
      'attempts', (
        select json_agg(json_build_array(l.id, l.unit, l.name, l.data) order by l.id)
        from ${s}.lease_units(p_worker, v_units, p_lifetime, v_now) as l)
    )::text from ${s}.work_specs as s, ${s}.work_workers as w where s.id = v_choice.spec and w.id = p_worker
  );
end $$;

-- By their last attempts, which are their active ones again.
create function ${s}.fail_units(p_units bigint[], p_now timestamptz) returns void language plpgsql ${BY_INDEX} as $$
begin
  with failed as (
    update ${s}.work_attempts set status = 'failed', end_time = coalesce(end_time, p_now)
    where id = any (array(select max(id) from ${s}.work_attempts where unit = any (p_units) group by unit))
    returning id, unit
  )
  update ${s}.work_units as u set active = failed.id, state = 'closed' from failed where u.id = failed.unit;
end $$;

create function ${s}.continue_spec(p_spec bigint, p_now timestamptz) returns bigint language plpgsql ${BY_INDEX} as $$
declare
  v_name text := floor(date_part('epoch', p_now))::bigint::text;
begin
  update ${s}.work_specs set next_continuous = p_now + (meta ->> 'interval')::float8 * interval '1 ms' where id = p_spec;
  perform ${s}.put_units(p_spec, array[v_name], array['{}'], array[0::float8], array[null::float8], p_now);
  return (select id from ${s}.work_units where spec = p_spec and name = v_name);
end $$;
`
