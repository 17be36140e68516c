import { BY_INDEX } from './by-index.ts'
import type { Migration } from './migration.ts'

/** Actions, and the live workers that their tasks go to. */
export const dispatchMigration: Migration = {
  number: 4,
  name: 'dispatch',
  sql: (s) => `
create sequence ${s}.action_revision;
-- What each change came to, never changed again. Revisions are in the order of the commits.
create table ${s}.action_records (
  revision bigint primary key,
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

-- One change at a time, so that who reads up to a revision has missed nothing before it.
create function ${s}.put_action(p_record json, p_channel text) returns void language plpgsql ${BY_INDEX} as $$
declare
  v_revision bigint := nextval('${s.replaceAll("'", "''")}.action_revision');
begin
  insert into ${s}.action_records (revision, record) values (v_revision, p_record);
  insert into ${s}.actions (id, operation, host, target, status, revision, record)
    values (p_record ->> 'id', p_record ->> 'operation', p_record ->> 'host', p_record ->> 'target', p_record ->> 'status',
      v_revision, p_record)
  on conflict (id) do update set operation = excluded.operation, host = excluded.host, target = excluded.target,
    status = excluded.status, revision = excluded.revision, record = excluded.record;
  perform pg_notify(p_channel, '');
end $$;

create function ${s}.create_action(p_record json, p_channel text) returns void language plpgsql as $$
begin
  perform pg_advisory_xact_lock(hashtext('${s.replaceAll("'", "''")}.actions'), 0);
  perform ${s}.put_action(p_record, p_channel);
end $$;

-- The record that it came to; null when there is none, and as a string the status that it has ended with.
create function ${s}.update_action(p_change json, p_channel text) returns json language plpgsql ${BY_INDEX} as $$
declare
  v_record json;
  v_status text := p_change ->> 'status';
begin
  perform pg_advisory_xact_lock(hashtext('${s.replaceAll("'", "''")}.actions'), 0);
  select record into v_record from ${s}.actions where id = p_change ->> 'id';
  if not found then return null; end if;
  if v_record ->> 'status' <> 'running' and v_status <> v_record ->> 'status' then return v_record -> 'status'; end if;
  select json_object_agg(key, coalesce(c.value, r.value) order by coalesce(r.place, 100 + c.place)) into v_record
    from json_each(v_record) with ordinality as r (key, value, place)
    full join json_each(p_change) with ordinality as c (key, value, place) using (key);
  perform ${s}.put_action(v_record, p_channel);
  return v_record;
end $$;

create table ${s}.live_workers (
  id bigint generated always as identity primary key,
  operation text collate "C" not null,
  target text collate "C" not null,
  host text collate "C" not null,
  -- Grows with each registration.
  turn bigint not null default 1,
  expires timestamptz not null,
  unique (operation, target)
);
create table ${s}.worker_tasks (
  id bigint generated always as identity primary key,
  worker bigint not null references ${s}.live_workers on delete cascade,
  action text collate "C" not null unique,
  input json,
  taken boolean not null default false
);
create index worker_tasks_waiting on ${s}.worker_tasks (worker, id) where not taken;

-- Null while another is live. What nobody took of a worker that is gone is for the next one on its host.
create function ${s}.announce_worker(
  p_operation text, p_target text, p_host text, p_lease float8, out p_id bigint, out p_turn bigint
) language plpgsql ${BY_INDEX} as $$
declare
  v_worker ${s}.live_workers;
begin
  insert into ${s}.live_workers (operation, target, host, turn, expires)
    values (p_operation, p_target, p_host, 0, '-infinity') on conflict do nothing;
  select * into v_worker from ${s}.live_workers where operation = p_operation and target = p_target for update;
  if not found or v_worker.expires > clock_timestamp() then return; end if;
  delete from ${s}.worker_tasks where worker = v_worker.id and (taken or v_worker.host <> p_host);
  update ${s}.live_workers set host = p_host, turn = turn + 1, expires = clock_timestamp() + p_lease * interval '1 ms'
    where id = v_worker.id returning id, turn into p_id, p_turn;
end $$;

create function ${s}.post_task(
  p_operation text, p_target text, p_host text, p_action text, p_input json, p_channel text
) returns boolean language plpgsql ${BY_INDEX} as $$
declare
  v_worker bigint;
begin
  select id into v_worker from ${s}.live_workers
    where operation = p_operation and target = p_target and host = p_host and expires > clock_timestamp() for no key update;
  if not found then return false; end if;
  insert into ${s}.worker_tasks (worker, action, input) values (v_worker, p_action, p_input);
  perform pg_notify(p_channel, 'task ' || v_worker);
  return true;
end $$;

-- The one before is done. Null when there is none; false when the worker isn't live any more.
create function ${s}.take_task(
  p_worker bigint, p_turn bigint, p_channel text, out p_live boolean, out p_action text, out p_input json
) language plpgsql ${BY_INDEX} as $$
begin
  perform from ${s}.live_workers where id = p_worker and turn = p_turn for key share;
  p_live := found;
  if not found then return; end if;
  -- What has failed meanwhile is nobody's either.
  delete from ${s}.worker_tasks as t where worker = p_worker
    and (taken or not exists (select from ${s}.actions as a where a.id = t.action and a.status = 'running'));
  update ${s}.worker_tasks set taken = true where id = (
    select id from ${s}.worker_tasks where worker = p_worker and not taken order by id limit 1 for update
  ) returning action, input into p_action, p_input;
  if p_action is not null then perform pg_notify(p_channel, 'taken ' || p_action); end if;
end $$;

-- The actions whose tasks nobody took.
create function ${s}.withdraw_worker(p_worker bigint, p_turn bigint) returns text language plpgsql ${BY_INDEX} as $$
declare
  v_left json;
begin
  perform from ${s}.live_workers where id = p_worker and turn = p_turn for update;
  if not found then return '[]'; end if;
  select json_agg(action order by id) into v_left from ${s}.worker_tasks where worker = p_worker and not taken;
  delete from ${s}.live_workers where id = p_worker;
  return coalesce(v_left, '[]')::text;
end $$;
`,
}
