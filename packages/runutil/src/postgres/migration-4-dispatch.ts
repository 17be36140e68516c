import { BY_INDEX } from './by-index.ts'
import type { Migration } from './migration.ts'
import { liveWorkers } from './migration-4-workers.ts'

/** Actions, and the live workers that their tasks go to. */
export const dispatchMigration: Migration = {
  number: 4,
  name: 'dispatch',
  sql: (s) => `${actions(s)}${liveWorkers(s)}${changes(s)}${pruning(s)}`,
}

const actions = (s: string): string => `
create sequence ${s}.action_revision;
-- What each change came to, never changed again. Revisions are in the order of the commits.
create table ${s}.action_records (
  revision bigint primary key,
  at timestamptz not null default clock_timestamp(),
  record json not null
);
-- The same, by action, as it is now.
create table ${s}.actions (
  seq bigint generated always as identity primary key,
  id text collate "C" not null unique,
  operation text collate "C" not null,
  host text collate "C" not null,
  target text collate "C" not null,
  status text collate "C" not null,
  revision bigint not null,
  record json not null
);
create index actions_by_operation on ${s}.actions (operation, seq);
create index actions_running on ${s}.actions (operation, seq) where status = 'running';
create index actions_ended on ${s}.actions (revision) where status <> 'running';
`

const changes = (s: string): string => `
create function ${s}.put_action(p_record json) returns void language plpgsql ${BY_INDEX} as $$
declare
  v_revision bigint := nextval('${s.replaceAll("'", "''")}.action_revision');
begin
  insert into ${s}.action_records (revision, record) values (v_revision, p_record);
  insert into ${s}.actions (id, operation, host, target, status, revision, record)
    values (p_record ->> 'id', p_record ->> 'operation', p_record ->> 'host', p_record ->> 'target', p_record ->> 'status',
      v_revision, p_record)
  on conflict (id) do update set operation = excluded.operation, host = excluded.host, target = excluded.target,
    status = excluded.status, revision = excluded.revision, record = excluded.record;
end $$;

-- Whether its task was handed over.
create function ${s}.create_action(p_record json, p_channel text) returns boolean language plpgsql as $$
begin
  perform ${s}.put_action(p_record);
  return p_record ->> 'status' = 'running' and ${s}.post_task(p_record, p_channel);
end $$;

-- The record that it came to; null when there is none, and as a string the status that it has ended with.
create function ${s}.update_action(p_change json) returns json language plpgsql ${BY_INDEX} as $$
declare
  v_record json;
  v_status text := p_change ->> 'status';
begin
  select record into v_record from ${s}.actions where id = p_change ->> 'id';
  if not found then return null; end if;
  if v_record ->> 'status' <> 'running' and v_status <> v_record ->> 'status' then return v_record -> 'status'; end if;
  select json_object_agg(key, coalesce(c.value, r.value) order by coalesce(r.place, 100 + c.place)) into v_record
    from json_each(v_record) with ordinality as r (key, value, place)
    full join json_each(p_change) with ordinality as c (key, value, place) using (key);
  perform ${s}.put_action(v_record);
  return v_record;
end $$;

-- One call at a time, so that who reads up to a revision has missed nothing before it. What came of each.
create function ${s}.change_actions(p_changes json, p_channel text) returns json language plpgsql as $$
declare
  v_change json;
  v_results json[];
begin
  perform pg_advisory_xact_lock(hashtext('${s.replaceAll("'", "''")}.actions'), 0);
  for v_change in select value from json_array_elements(p_changes) loop
    v_results := array_append(v_results, case when v_change -> 'create' is null
      then ${s}.update_action(v_change -> 'update')
      else to_json(${s}.create_action(v_change -> 'create', p_channel)) end);
  end loop;
  perform pg_notify(p_channel, '');
  return array_to_json(v_results);
end $$;
`

const pruning = (s: string): string => `
-- Of the p_limit oldest records those of p_age ms, and the actions that have ended with them. How many actions that were;
-- null when there are no such records.
create function ${s}.prune_actions(p_age float8, p_limit integer) returns float8 language plpgsql ${BY_INDEX} as $$
declare
  v_until timestamptz := clock_timestamp() - p_age * interval '1 ms';
  v_last bigint;
  v_removed bigint;
begin
  delete from ${s}.live_workers where expires < v_until;
  select max(revision) into v_last
    from (select revision, at from ${s}.action_records order by revision limit p_limit) as oldest where at < v_until;
  if v_last is null then return null; end if;
  delete from ${s}.actions where status <> 'running' and revision <= v_last;
  get diagnostics v_removed = row_count;
  delete from ${s}.action_records where revision <= v_last;
  return v_removed;
end $$;
`
