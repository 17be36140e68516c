import { FORGOTTEN_AFTER_MS, LOST_AFTER_MS, VOID_AFTER_MS } from '../../ops/replicas/replica-store.ts'
import type { Migration } from './migration.ts'
import { PINNED } from './plan-settings.ts'
import { SLACK } from './store-time.ts'

const LOST = /* sql */ `interval '${LOST_AFTER_MS} ms'`
const FORGOTTEN = /* sql */ `interval '${FORGOTTEN_AFTER_MS} ms'`
const VOID = /* sql */ `interval '${VOID_AFTER_MS} ms'`

/**
 * The processes of a program, and what they ask each other to do. Unlogged: after a crash of the server both tables are empty, until
 * each process tells that it lives, some seconds later.
 */
export const opsMigration: Migration = {
  number: 5,
  name: 'ops',
  sql: (s) => `${tables(s)}${beating(s)}${reading(s)}${commands(s)}`,
}

const tables = (s: string): string => /* sql */ `
create unlogged table ${s}.replicas (
  id text collate "C" primary key,
  name text not null,
  host text not null,
  pid integer not null,
  version text not null,
  -- By the process's own clock.
  started timestamptz not null,
  seen timestamptz not null,
  state json not null
) with (fillfactor = 50);
create unlogged table ${s}.commands (
  id text collate "C" primary key,
  replica text collate "C" not null,
  command json not null,
  sender text not null,
  sent timestamptz not null,
  taken boolean not null default false,
  -- What came of it; null until it is settled.
  status integer,
  body json
);
create index commands_open on ${s}.commands (replica) where status is null;
`

const beating = (s: string): string => /* sql */ `
-- What is too old is removed. A time ahead of now was written before the clock was set back: it counts from now on. Rows that
-- another process has locked are left to it.
create function ${s}.tidy_replicas(p_now timestamptz) returns void language plpgsql ${PINNED} as $$
begin
  delete from ${s}.replicas where id in
    (select id from ${s}.replicas where seen < p_now - ${FORGOTTEN} for update skip locked);
  update ${s}.replicas set seen = p_now where id in
    (select id from ${s}.replicas where seen > p_now + ${SLACK} for update skip locked);
  delete from ${s}.commands where id in
    (select id from ${s}.commands where sent < p_now - ${FORGOTTEN} for update skip locked);
  update ${s}.commands set sent = p_now where id in
    (select id from ${s}.commands where sent > p_now + ${SLACK} for update skip locked);
end $$;

-- Writes a process's row, and returns the commands for it.
create function ${s}.beat_replica(
  p_id text, p_name text, p_host text, p_pid integer, p_version text, p_started timestamptz, p_state json
) returns table (id text, command json, sender text) language plpgsql ${PINNED} as $$
#variable_conflict use_column
declare
  v_now timestamptz := ${s}.store_time(null);
begin
  perform ${s}.tidy_replicas(v_now);
  insert into ${s}.replicas (id, name, host, pid, version, started, seen, state)
    values (p_id, p_name, p_host, p_pid, p_version, p_started, v_now, p_state)
    on conflict (id) do update set seen = excluded.seen, state = excluded.state;
  update ${s}.commands set taken = true
    where replica = p_id and status is null and not taken and sent > v_now - ${VOID};
  return query select c.id, c.command, c.sender from ${s}.commands as c
    where c.replica = p_id and c.status is null and c.taken and c.sent > v_now - ${VOID} order by c.sent, c.id;
end $$;
`

const reading = (s: string): string => /* sql */ `
-- Those that haven't told for an hour that they live aren't known.
create function ${s}.known_replicas()
returns table (id text, name text, host text, pid integer, version text, started timestamptz, age_ms float8, lost boolean, state json)
language plpgsql stable ${PINNED} as $$
declare
  v_now timestamptz := ${s}.store_time(null);
begin
  return query select r.id, r.name, r.host, r.pid, r.version, r.started,
      greatest(0, date_part('epoch', v_now - r.seen) * 1000), r.seen < v_now - ${LOST}, r.state
    from ${s}.replicas as r where r.seen >= v_now - ${FORGOTTEN} order by r.started, r.id;
end $$;
`

const commands = (s: string): string => /* sql */ `
-- False when no such process is known.
create function ${s}.send_command(p_id text, p_replica text, p_command json, p_sender text, p_channel text)
returns boolean language plpgsql ${PINNED} as $$
begin
  if not exists (select from ${s}.known_replicas() as r where r.id = p_replica) then return false; end if;
  insert into ${s}.commands (id, replica, command, sender, sent)
    values (p_id, p_replica, p_command, p_sender, ${s}.store_time(null)) on conflict do nothing;
  perform pg_notify(p_channel, p_replica);
  return true;
end $$;

-- Its status and body; without a status, whether it is 'open', 'void' or 'lost'.
create function ${s}.command_outcome(p_id text, out p_status integer, out p_body json, out p_unknown text)
language plpgsql stable ${PINNED} as $$
declare
  v_command ${s}.commands;
  v_is_lost boolean;
begin
  select * into v_command from ${s}.commands where id = p_id;
  p_status := v_command.status;
  p_body := v_command.body;
  if p_status is not null then return; end if;
  select r.lost into v_is_lost from ${s}.known_replicas() as r where r.id = v_command.replica;
  p_unknown := case
    when v_command.taken then case when coalesce(v_is_lost, true) then 'lost' else 'open' end
    when v_is_lost is null or v_command.sent <= ${s}.store_time(null) - ${VOID} then 'void'
    else 'open' end;
end $$;
`
