import { EQ, GT } from '../../database/qualified.ts'
import type { Migration } from '../migration.ts'
import { BY_HASH, BY_INDEX, PINNED, lookedUp } from '../plan-settings.ts'
import { attempting } from './attempting.ts'
import { choosing } from './choosing.ts'
import { clockSet } from './clock-set.ts'
import { counting } from './counting.ts'
import { pruning } from './pruning.ts'
import { requesting } from './requesting.ts'
import { waking } from './waking.ts'

/**
 * Work specs, their units, and the attempts at them.
 *
 * A unit's `state` is for the indexes: 'open' is available, 'delayed' later, 'pending' leased, 'closed' finished or failed. No
 * write happens when time passes, so queries derive the status from the active attempt and the time (`unit_status`); a
 * request first brings the states up to date.
 */
export const coordinateMigration: Migration = {
  number: 2,
  name: 'coordinate',
  sql: (schema) =>
    [tables, reading, counting, waking, attempting, choosing, clockSet, requesting, pruning]
      .map((part) => part(schema))
      .join(''),
}

const tables = (s: string): string => /* sql */ `
create table ${s}.work_namespaces (
  id bigint generated always as identity primary key,
  name text collate "C" not null unique
);
create table ${s}.work_specs (
  -- First the columns that a request reads, of fixed length, so that they are found quickly.
  id bigint generated always as identity primary key,
  namespace bigint not null references ${s}.work_namespaces on delete cascade,
  priority float8 not null,
  weight float8 not null,
  min_gb float8 not null,
  max_running float8 not null,
  max_returned float8 not null,
  max_retries float8 not null,
  interval_ms float8 not null,
  paused boolean not null,
  continuous boolean not null,
  can_be_continuous boolean not null,
  -- No unit is open, so that requests skip the spec. A statement that opens a unit clears this; see wake_specs.
  idle boolean not null default true,
  next_continuous timestamptz,
  -- When the interval until next_continuous began; null when a caller set that.
  continuous_since timestamptz,
  runtime text collate "C" not null,
  next_name text collate "C" not null,
  -- The name of the task that works on it.
  task text collate "C" not null,
  name text collate "C" not null,
  data json not null,
  unique (namespace, name)
) with (fillfactor = 70);
create index work_specs_by_id on ${s}.work_specs (namespace, id);
create index work_specs_continued on ${s}.work_specs (namespace, continuous_since) where continuous_since is not null;
create index work_specs_by_rank on ${s}.work_specs (namespace, priority desc, weight desc);
create table ${s}.work_workers (
  id bigint generated always as identity primary key,
  namespace bigint not null references ${s}.work_namespaces on delete cascade,
  name text collate "C" not null,
  parent bigint references ${s}.work_workers on delete set null,
  active boolean not null default true,
  mode text not null default '',
  data json not null default '{}',
  expiration timestamptz not null,
  last_update timestamptz not null,
  unique (namespace, name)
);
create index work_workers_by_parent on ${s}.work_workers (parent) where parent is not null;
create table ${s}.work_units (
  id bigint generated always as identity primary key,
  spec bigint not null references ${s}.work_specs on delete cascade,
  -- The active attempt; null: none. What is said of it up to lifetime_ms, and in status and attempt_data, is without meaning then.
  active bigint,
  worker bigint,
  start_time timestamptz,
  end_time timestamptz,
  expires timestamptz,
  -- When it was leased, or its lease last renewed: expires counts from then.
  leased_at timestamptz,
  -- The length of the lease when it was made or last renewed.
  lifetime_ms float8,
  not_before timestamptz,
  -- When the delay until not_before began; null when that is a time of day.
  delayed_since timestamptz,
  priority float8 not null,
  -- The number of attempts, and of those since the unit was last added, cleared or finished.
  attempts integer not null default 0,
  tries integer not null default 0,
  state text collate "C" not null,
  -- Of the active attempt; null when there is none.
  status text collate "C",
  name text collate "C" not null,
  data json not null,
  -- Null: the unit's data.
  attempt_data json,
  unique (spec, name)
);
-- Each is another write at a lease or an end, and those are most of their cost.
create index work_units_open on ${s}.work_units (spec, priority desc, name) where state = 'open';
create index work_units_pending on ${s}.work_units (spec, expires, leased_at) where state = 'pending';
create index work_units_delayed on ${s}.work_units (not_before) where state = 'delayed';
create index work_units_delayed_since on ${s}.work_units (delayed_since)
  where state = 'delayed' and delayed_since is not null;
create index work_units_closed on ${s}.work_units (spec, end_time) where state = 'closed';
create index work_units_by_worker on ${s}.work_units using brin (worker);
create sequence ${s}.work_attempt_numbers;
-- Attempts that are no longer active.
create table ${s}.work_past_attempts (
  -- Without foreign keys, whose checks take as long as the rest. They are deleted with their units; see below.
  unit bigint not null,
  id bigint not null,
  spec bigint not null,
  worker bigint not null,
  start_time timestamptz not null,
  end_time timestamptz,
  expiration_time timestamptz not null,
  lifetime_ms float8 not null,
  status text collate "C" not null,
  data json not null,
  primary key (unit, id)
);
create index work_past_attempts_by_worker on ${s}.work_past_attempts (worker);
create index work_past_attempts_by_end on ${s}.work_past_attempts (spec, (coalesce(end_time, expiration_time)));

-- Whatever takes an attempt from its unit, it is kept as it was.
create function ${s}.keep_attempt() returns trigger language plpgsql ${PINNED} as $$
begin
  insert into ${s}.work_past_attempts
      (unit, id, spec, worker, start_time, end_time, expiration_time, lifetime_ms, status, data)
    values (old.id, old.active, old.spec, old.worker, old.start_time, old.end_time, old.expires, old.lifetime_ms, old.status,
      coalesce(old.attempt_data, old.data));
  return null;
end $$;
create trigger work_units_replaced after update of active on ${s}.work_units
  for each row when (old.active is distinct from new.active and old.active is not null) execute function ${s}.keep_attempt();

create function ${s}.delete_attempts() returns trigger language plpgsql ${PINNED} as $$
begin
  delete from ${s}.work_past_attempts where unit in (select id from deleted);
  return null;
end $$;
create trigger work_units_deleted after delete on ${s}.work_units referencing old table as deleted
  for each statement execute function ${s}.delete_attempts();
`

/** Names in functions that PostgreSQL inlines into other statements are qualified; see database/qualified.ts. */
const reading = (s: string): string => /* sql */ `
create function ${s}.work_ms(p_time timestamptz) returns float8 language sql stable as
  $$ select pg_catalog.round(pg_catalog.date_part('epoch', p_time) operator(pg_catalog.*) 1000) $$;

create function ${s}.attempt_status(p_status text, p_expires timestamptz, p_now timestamptz) returns text
language sql immutable as $$
  select case when p_status ${EQ} 'pending' and p_expires operator(pg_catalog.<=) p_now then 'expired' else p_status end
$$;

-- From the unit's active attempt; nulls when it has none.
create function ${s}.unit_status(p_status text, p_expires timestamptz, p_not_before timestamptz, p_now timestamptz)
returns text language sql immutable as $$
  select case
    when p_status ${EQ} 'pending' and p_expires ${GT} p_now then 'pending'
    when p_status ${EQ} any (array['finished', 'failed']) then p_status
    when p_not_before ${GT} p_now then 'delayed'
    else 'available'
  end
$$;

-- All data of attempts, in the order given, as JSON.
create function ${s}.attempts_json(p_units bigint[], p_ids bigint[], p_now timestamptz)
returns json language sql stable ${BY_INDEX} as $$
  select coalesce(json_agg(json_build_object(
    'id', given.id, 'spec', json_build_object('id', s.id, 'name', s.name, 'task', s.task),
    'unit', json_build_object('id', u.id, 'name', u.name),
    'worker', json_build_object('id', w.id, 'name', w.name),
    'status', ${s}.attempt_status(a.status, a.expiration_time, p_now), 'data', a.data,
    'startTime', ${s}.work_ms(a.start_time), 'expirationTime', ${s}.work_ms(a.expiration_time),
    'lifetimeMs', a.lifetime_ms, 'leftMs', ${s}.work_ms(a.expiration_time) - ${s}.work_ms(p_now),
    'endTime', ${s}.work_ms(coalesce(a.end_time,
      case when a.status = 'pending' and a.expiration_time <= p_now then a.expiration_time end))
  ) order by given.place), '[]')
  from unnest(p_units, p_ids) with ordinality as given (unit, id, place)
  join ${s}.work_units as u on ${lookedUp('u.id', 'given.unit')}
  join ${s}.work_specs as s on s.id = u.spec
  cross join lateral (
    select u.worker, u.status, u.start_time, u.end_time, u.expires as expiration_time, u.lifetime_ms,
      coalesce(u.attempt_data, u.data) as data where u.active = given.id
    union all
    select p.worker, p.status, p.start_time, p.end_time, p.expiration_time, p.lifetime_ms, p.data
      from ${s}.work_past_attempts as p where p.unit = given.unit and p.id = given.id
  ) as a
  join ${s}.work_workers as w on w.id = a.worker
$$;

-- All attempts at a unit, the oldest first.
create function ${s}.unit_attempts(p_unit bigint, p_now timestamptz) returns json language plpgsql stable ${BY_INDEX} as $$ begin return (
  select ${s}.attempts_json(array_agg(p_unit), array_agg(id order by id), p_now) from (
    select id from ${s}.work_past_attempts where unit = p_unit
    union all select active from ${s}.work_units where id = p_unit and active is not null
  ) as every
); end $$;

-- Those of a worker or of its children: all, or those that are pending and active.
create function ${s}.worker_attempts(p_worker bigint, p_of_children boolean, p_all boolean, p_now timestamptz)
returns json language plpgsql stable ${BY_HASH} set enable_bitmapscan = on as $$ begin return (
  with workers as materialized (
    select id, name from ${s}.work_workers where not p_of_children and id = p_worker
    union all select id, name from ${s}.work_workers where p_of_children and parent = p_worker
  ), chosen as (
    select w.name, u.id as unit, u.active as id from workers as w join ${s}.work_units as u on u.worker = w.id
      where u.state = 'pending' and (p_all or u.expires > p_now)
    union all
    select w.name, u.id, u.active from workers as w join ${s}.work_units as u on ${lookedUp('u.worker', 'w.id')}
      where p_all and u.state <> 'pending' and u.active is not null
    union all
    select w.name, p.unit, p.id from workers as w join ${s}.work_past_attempts as p on ${lookedUp('p.worker', 'w.id')}
      where p_all
  )
  select ${s}.attempts_json(array_agg(unit order by name, id), array_agg(id order by name, id), p_now) from chosen
); end $$;

-- The selected units of a spec, in the order of their names. Null: any.
create function ${s}.select_units(
  p_spec bigint, p_names text[], p_statuses text[], p_previous text, p_limit bigint, p_now timestamptz
) returns table (id bigint, name text) language sql stable ${PINNED} as $$
  select u.id, u.name from ${s}.work_units as u
  where u.spec = p_spec and (p_names is null or u.name = any (p_names)) and (p_previous is null or u.name > p_previous)
    and (p_statuses is null
      or ${s}.unit_status(u.status, u.expires, u.not_before, p_now) = any (p_statuses))
  order by u.name limit p_limit
$$;

create function ${s}.count_units(p_specs bigint[], p_now timestamptz)
returns table (spec bigint, status text, count bigint) language sql stable ${PINNED} as $$
  select u.spec, ${s}.unit_status(u.status, u.expires, u.not_before, p_now) as status, count(*)
  from ${s}.work_units as u where u.spec = any (p_specs) group by 1, 2
$$;
`
