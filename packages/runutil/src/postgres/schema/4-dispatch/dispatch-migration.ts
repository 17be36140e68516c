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
-- Returns the revision.
create function ${s}.put_action(p_record json) returns bigint language plpgsql ${BY_INDEX} as $$
declare
  v_revision bigint := ${s}.on_timeline(nextval('${s.replaceAll("'", "''")}.action_revision'));
begin
  insert into ${s}.action_records (revision, record) values (v_revision, p_record);
  insert into ${s}.actions (id, operation, host, target, status, revision, record)
    values (p_record ->> 'id', p_record ->> 'operation', p_record ->> 'host', p_record ->> 'target', p_record ->> 'status',
      v_revision, p_record)
  on conflict (id) do update set operation = excluded.operation, host = excluded.host, target = excluded.target,
    status = excluded.status, revision = excluded.revision, record = excluded.record;
  return v_revision;
end $$;

create function ${s}.merge_json(p_json json, p_change json) returns json language sql ${PINNED} as $$
  select json_object_agg(key, coalesce(c.value, r.value) order by coalesce(r.place, 100 + c.place))
    from json_each(p_json) with ordinality as r (key, value, place)
    full join json_each(p_change) with ordinality as c (key, value, place) using (key)
$$;

-- Writes the action and gives its task to the worker, if that is live; otherwise the action has failed. An idle worker of the
-- calling process, p_taker, takes its next task at once.
create function ${s}.dispatch_action(p_record json, p_taker json, p_channel text)
returns json language plpgsql ${PINNED} as $$
declare
  v_record json;
  v_revision bigint;
  v_next json;
  v_worker bigint := ${s}.post_task(p_record);
begin
  if v_worker is null then
    v_record := ${s}.merge_json(p_record, '${JSON.stringify(LOST)}');
    return json_build_object('isWritten', false, 'revision', ${s}.put_action(v_record), 'record', v_record);
  end if;
  v_revision := ${s}.put_action(p_record);
  if v_worker = (p_taker ->> 'id')::bigint then
    v_next := ${s}.next_task(p_taker, p_record ->> 'id', p_channel);
  end if;
  if v_next is null or not (v_next ->> 'isLive')::boolean then
    perform pg_notify(p_channel, 'task ' || v_worker);
  end if;
  return json_build_object('isWritten', true, 'revision', v_revision, 'next', v_next);
end $$;

-- Returns the changed record and its revision; nothing when there is no such action, and only its status when it has ended
-- otherwise. With p_if_running, an ended action stays as it is and is returned.
create function ${s}.update_action(
  p_change json, p_if_running boolean, p_channel text, out p_record json, out p_revision bigint, out p_ended text
) language plpgsql ${BY_INDEX} as $$
declare
  v_status text := p_change ->> 'status';
begin
  select record into p_record from ${s}.actions where id = p_change ->> 'id';
  if not found then return; end if;
  if p_record ->> 'status' <> 'running' then
    if p_if_running then return; end if;
    if v_status <> p_record ->> 'status' then
      p_ended := p_record ->> 'status';
      return;
    end if;
  elsif v_status <> 'running' then
    perform ${s}.wake_behind(p_change ->> 'id', p_channel);
  end if;
  p_record := ${s}.merge_json(p_record, p_change);
  p_revision := ${s}.put_action(p_record);
end $$;

-- With an update that ends the task of a worker of the calling process, that worker takes its next task.
create function ${s}.change_action(p_change json, p_channel text) returns json language plpgsql ${PINNED} as $$
declare
  v_update record;
begin
  if p_change ->> 'kind' = 'dispatch' then
    return ${s}.dispatch_action(p_change -> 'record', p_change -> 'taker', p_channel);
  elsif p_change ->> 'kind' = 'create' then
    return json_build_object('revision', ${s}.put_action(p_change -> 'record'));
  end if;
  select * into v_update
    from ${s}.update_action(p_change -> 'change', coalesce((p_change ->> 'ifRunning')::boolean, false), p_channel);
  return json_build_object('record', v_update.p_record, 'revision', v_update.p_revision, 'ended', v_update.p_ended,
    'next', case when p_change -> 'taker' is not null
      then ${s}.next_task(p_change -> 'taker', null, p_channel) end);
end $$;

create function ${s}.lock_actions() returns void language sql ${PINNED} as $$
  select pg_advisory_xact_lock(hashtext('${s.replaceAll("'", "''")}.actions'), 0)
$$;

-- One call at a time, so that a reader of all revisions up to one has missed none before it. Returns a result for each. Readers
-- are notified of the last revision and its author, who hears of it by the results.
create function ${s}.change_actions(p_changes json, p_author text, p_channel text)
returns json language plpgsql ${PINNED} as $$
declare
  v_change json;
  v_result json;
  v_results json[];
  v_revision text;
begin
  perform ${s}.lock_actions();
  for v_change in select value from json_array_elements(p_changes) loop
    v_result := ${s}.change_action(v_change, p_channel);
    v_results := array_append(v_results, v_result);
    v_revision := coalesce(v_result ->> 'revision', v_revision);
  end loop;
  if v_revision is not null then perform pg_notify(p_channel, format('changed %s %s', v_revision, p_author)); end if;
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
