import { LOST } from '../../../dispatch/action.ts'
import type { Migration } from '../migration.ts'
import { BY_INDEX, PINNED } from '../plan-settings.ts'
import { listing } from './listing.ts'
import { liveWorkers } from './workers.ts'

/** Actions, and the live workers that their tasks go to. */
export const dispatchMigration: Migration = {
  number: 4,
  name: 'dispatch',
  sql: (s) => `${actions(s)}${liveWorkers(s)}${changes(s)}${listing(s)}${pruning(s)}`,
}

const actions = (s: string): string => /* sql */ `
create sequence ${s}.action_revision;
-- The record after each change; append-only. Revisions are in the order of the commits.
create table ${s}.action_records (
  revision bigint primary key,
  at timestamptz not null default clock_timestamp(),
  record json not null
);
-- The current record of each action.
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
create index actions_failed on ${s}.actions (operation, seq) where status = 'failed';
create index actions_ended on ${s}.actions (revision) where status <> 'running';
`

const changes = (s: string): string => /* sql */ `
create function ${s}.put_action(p_record json) returns void language plpgsql ${BY_INDEX} as $$
declare
  v_revision bigint := ${s}.on_timeline(nextval('${s.replaceAll("'", "''")}.action_revision'));
begin
  insert into ${s}.action_records (revision, record) values (v_revision, p_record);
  insert into ${s}.actions (id, operation, host, target, status, revision, record)
    values (p_record ->> 'id', p_record ->> 'operation', p_record ->> 'host', p_record ->> 'target', p_record ->> 'status',
      v_revision, p_record)
  on conflict (id) do update set operation = excluded.operation, host = excluded.host, target = excluded.target,
    status = excluded.status, revision = excluded.revision, record = excluded.record;
end $$;

create function ${s}.merge_json(p_json json, p_change json) returns json language sql ${PINNED} as $$
  select json_object_agg(key, coalesce(c.value, r.value) order by coalesce(r.place, 100 + c.place))
    from json_each(p_json) with ordinality as r (key, value, place)
    full join json_each(p_change) with ordinality as c (key, value, place) using (key)
$$;

-- Whether its worker is live and was given the task. Otherwise the action has failed.
create function ${s}.dispatch_action(p_record json, p_channel text) returns boolean language plpgsql ${PINNED} as $$
begin
  if ${s}.post_task(p_record, p_channel) then
    perform ${s}.put_action(p_record);
    return true;
  end if;
  perform ${s}.put_action(${s}.merge_json(p_record, '${JSON.stringify(LOST)}'));
  return false;
end $$;

-- The changed record; null when there is no such action, and its status as a string when it has ended otherwise. With
-- p_if_running, an ended action stays as it is and is returned.
create function ${s}.update_action(p_change json, p_if_running boolean) returns json language plpgsql ${BY_INDEX} as $$
declare
  v_record json;
  v_status text := p_change ->> 'status';
begin
  select record into v_record from ${s}.actions where id = p_change ->> 'id';
  if not found then return null; end if;
  if v_record ->> 'status' <> 'running' then
    if p_if_running then return v_record; end if;
    if v_status <> v_record ->> 'status' then return v_record -> 'status'; end if;
  end if;
  v_record := ${s}.merge_json(v_record, p_change);
  perform ${s}.put_action(v_record);
  return v_record;
end $$;

create function ${s}.lock_actions() returns void language sql ${PINNED} as $$
  select pg_advisory_xact_lock(hashtext('${s.replaceAll("'", "''")}.actions'), 0)
$$;

-- One call at a time, so that a reader of all revisions up to one has missed none before it. Returns a result for each.
create function ${s}.change_actions(p_changes json, p_channel text) returns json language plpgsql ${PINNED} as $$
declare
  v_change json;
  v_results json[];
begin
  perform ${s}.lock_actions();
  for v_change in select value from json_array_elements(p_changes) loop
    v_results := array_append(v_results, case v_change ->> 'kind'
      when 'update' then ${s}.update_action(v_change -> 'change', coalesce((v_change ->> 'ifRunning')::boolean, false))
      when 'dispatch' then to_json(${s}.dispatch_action(v_change -> 'record', p_channel))
      else to_json(${s}.put_action(v_change -> 'record')::text) end);
  end loop;
  perform pg_notify(p_channel, '');
  return array_to_json(v_results);
end $$;
`

const pruning = (s: string): string => /* sql */ `
-- Removes, of the p_limit oldest records, those older than p_age ms, and the actions that ended by then. Returns the number of
-- actions; null when there are no such records.
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
