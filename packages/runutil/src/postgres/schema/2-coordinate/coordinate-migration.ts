import { EQ, GT } from '../../database/qualified.ts'
import type { Migration } from '../migration.ts'
import { BY_INDEX, PINNED } from '../plan-settings.ts'
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
  -- The active attempt, and while the state is 'pending', when it expires.
  active bigint,
  expires timestamptz,
  -- When it was leased, or its lease last renewed: expires counts from then.
  leased_at timestamptz,
  not_before timestamptz,
  -- When the delay until not_before began; null when that is a time of day.
  delayed_since timestamptz,
  priority float8 not null,
  -- The number of attempts, and of those since the unit was last added, cleared or finished.
  attempts integer not null default 0,
  tries integer not null default 0,
  state text collate "C" not null,
  name text collate "C" not null,
  data json not null,
  unique (spec, name)
);
create index work_units_open on ${s}.work_units (spec, priority desc, name) where state = 'open';
create index work_units_pending on ${s}.work_units (spec, expires, leased_at) where state = 'pending';
create index work_units_delayed on ${s}.work_units (not_before) where state = 'delayed';
create index work_units_delayed_since on ${s}.work_units (delayed_since)
  where state = 'delayed' and delayed_since is not null;
create sequence ${s}.work_attempt_numbers;
create table ${s}.work_attempts (
  id bigint primary key default ${s}.on_timeline(nextval('${s.replaceAll("'", "''")}.work_attempt_numbers')),
  -- Without foreign keys, whose checks take as long as the rest. Attempts are deleted with their units; see below.
  unit bigint not null,
  worker bigint not null,
  start_time timestamptz not null,
  end_time timestamptz,
  expiration_time timestamptz not null,
  -- The length of the lease when it was made or last renewed.
  lifetime_ms float8 not null,
  status text collate "C" not null default 'pending',
  data json not null
  -- No index has a column that changes at the end of an attempt, so that none grows then, if its page has room for it: with batches,
  -- all attempts of a page end at once.
) with (fillfactor = 50);
create index work_attempts_by_unit on ${s}.work_attempts (unit);
create index work_attempts_by_worker on ${s}.work_attempts (worker);

create function ${s}.delete_attempts() returns trigger language plpgsql ${PINNED} as $$
begin
  delete from ${s}.work_attempts where unit in (select id from deleted);
  return null;
end $$;
create trigger work_units_deleted after delete on ${s}.work_units referencing old table as deleted
  for each statement execute function ${s}.delete_attempts();
`

/** Names in functions that PostgreSQL inlines into other statements are qualified; see database/qualified.ts. */
const reading = (s: string): string => /* sql */ `
create function ${s}.work_ms(p_time timestamptz) returns float8 language sql immutable as
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
create function ${s}.attempts_json(p_ids bigint[], p_now timestamptz) returns json language sql stable ${BY_INDEX} as $$
  select coalesce(json_agg(json_build_object(
    'id', a.id, 'spec', json_build_object('id', s.id, 'name', s.name, 'task', s.task),
    'unit', json_build_object('id', u.id, 'name', u.name),
    'worker', json_build_object('id', w.id, 'name', w.name),
    'status', ${s}.attempt_status(a.status, a.expiration_time, p_now), 'data', a.data,
    'startTime', ${s}.work_ms(a.start_time), 'expirationTime', ${s}.work_ms(a.expiration_time),
    'lifetimeMs', a.lifetime_ms, 'leftMs', ${s}.work_ms(a.expiration_time) - ${s}.work_ms(p_now),
    'endTime', ${s}.work_ms(coalesce(a.end_time,
      case when a.status = 'pending' and a.expiration_time <= p_now then a.expiration_time end))
  ) order by given.place), '[]')
  from unnest(p_ids) with ordinality as given (id, place)
  join ${s}.work_attempts as a on a.id = given.id
  join ${s}.work_units as u on u.id = a.unit
  join ${s}.work_specs as s on s.id = u.spec
  join ${s}.work_workers as w on w.id = a.worker
$$;

-- The selected units of a spec, in the order of their names. Null: any.
create function ${s}.select_units(
  p_spec bigint, p_names text[], p_statuses text[], p_previous text, p_limit bigint, p_now timestamptz
) returns table (id bigint, name text) language sql stable ${PINNED} as $$
  select u.id, u.name from ${s}.work_units as u left join ${s}.work_attempts as a on a.id = u.active
  where u.spec = p_spec and (p_names is null or u.name = any (p_names)) and (p_previous is null or u.name > p_previous)
    and (p_statuses is null
      or ${s}.unit_status(a.status, a.expiration_time, u.not_before, p_now) = any (p_statuses))
  order by u.name limit p_limit
$$;

create function ${s}.count_units(p_specs bigint[], p_now timestamptz)
returns table (spec bigint, status text, count bigint) language sql stable ${PINNED} as $$
  select u.spec, ${s}.unit_status(a.status, a.expiration_time, u.not_before, p_now) as status, count(*)
  from ${s}.work_units as u left join ${s}.work_attempts as a on a.id = u.active
  where u.spec = any (p_specs) group by 1, 2
$$;
`
