import { LOST } from '../../../dispatch/action.ts'
import { BY_INDEX } from '../plan-settings.ts'

/** Live workers: rows that are leases, by the database's time; and the tasks that they haven't done. */
export const liveWorkers = (s: string): string => /* sql */ `
create table ${s}.live_workers (
  id bigint generated always as identity primary key,
  operation text collate "C" not null,
  target text collate "C" not null,
  host text collate "C" not null,
  -- Grows with each announcement.
  turn bigint not null,
  -- Who announced it.
  owner text collate "C" not null,
  -- It takes no more tasks, and ends its last.
  closing boolean not null default false,
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
create index worker_tasks_by_worker on ${s}.worker_tasks (worker, id);

-- Null while another is live. What nobody took of a worker that is gone is for the next one on its host. Who was this
-- worker itself before, in turn p_was_turn, says what it was given last: what else it took, it never got.
create function ${s}.announce_worker(
  p_operation text, p_target text, p_host text, p_owner text, p_lease float8,
  p_was bigint, p_was_turn bigint, p_last text, out p_id bigint, out p_turn bigint
) language plpgsql ${BY_INDEX} as $$
declare
  v_worker ${s}.live_workers;
begin
  insert into ${s}.live_workers (operation, target, host, turn, owner, expires)
    values (p_operation, p_target, p_host, 0, p_owner, '-infinity') on conflict do nothing;
  select * into v_worker from ${s}.live_workers where operation = p_operation and target = p_target for update;
  -- The same owner asks again when it wasn't answered.
  if not found or (v_worker.expires > clock_timestamp() and v_worker.owner <> p_owner) then return; end if;
  if v_worker.id = p_was and v_worker.turn = p_was_turn then
    update ${s}.worker_tasks set taken = false where worker = p_was and taken and action is distinct from p_last;
  end if;
  delete from ${s}.worker_tasks where worker = v_worker.id and (taken or v_worker.host <> p_host);
  update ${s}.live_workers set host = p_host, owner = p_owner, turn = greatest(turn + 1, ${s}.on_timeline(1)), closing = false,
      expires = clock_timestamp() + p_lease * interval '1 ms'
    where id = v_worker.id returning id, turn into p_id, p_turn;
end $$;

-- False when the worker that the action names isn't live any more.
create function ${s}.post_task(p_record json, p_channel text) returns boolean language plpgsql ${BY_INDEX} as $$
declare
  v_worker bigint;
begin
  select id into v_worker from ${s}.live_workers
    where operation = p_record ->> 'operation' and target = p_record ->> 'target' and host = p_record ->> 'host'
      and not closing and expires > clock_timestamp() for no key update;
  if not found then return false; end if;
  insert into ${s}.worker_tasks (worker, action, input)
    values (v_worker, p_record ->> 'id', p_record -> 'input');
  perform pg_notify(p_channel, 'task ' || v_worker);
  return true;
end $$;

-- The first of those that aren't done; one that was taken before when its taker wasn't answered. Null when there is none.
create function ${s}.take_task(
  p_worker bigint, p_turn bigint, p_done text, p_channel text, out p_live boolean, out p_action text, out p_input json
) language plpgsql ${BY_INDEX} as $$
declare
  v_id bigint;
begin
  perform from ${s}.live_workers where id = p_worker and turn = p_turn for key share;
  p_live := found;
  if not found then return; end if;
  delete from ${s}.worker_tasks where worker = p_worker and action = p_done;
  loop
    select id, action, input into v_id, p_action, p_input
      from ${s}.worker_tasks where worker = p_worker order by id limit 1;
    if not found then return; end if;
    exit when exists (select from ${s}.actions where id = p_action and status = 'running');
    -- It has failed meanwhile.
    delete from ${s}.worker_tasks where id = v_id;
  end loop;
  update ${s}.worker_tasks set taken = true where id = v_id;
  perform pg_notify(p_channel, 'taken ' || p_action);
end $$;

-- It takes no more tasks; with p_gone, it gives its target up. All but p_last, the one that it was given last, fail.
create function ${s}.close_worker(
  p_worker bigint, p_turn bigint, p_last text, p_gone boolean, p_now float8, p_channel text
) returns void language plpgsql ${BY_INDEX} as $$
declare
  v_action text;
begin
  perform ${s}.lock_actions();
  perform from ${s}.live_workers where id = p_worker and turn = p_turn for update;
  if not found then return; end if;
  for v_action in
    delete from ${s}.worker_tasks where worker = p_worker and action is distinct from p_last returning action
  loop
    perform ${s}.update_action(
      json_build_object('id', v_action, 'status', '${LOST.status}', 'error', '${LOST.error}', 'updatedAt', p_now), true
    );
  end loop;
  if p_gone then delete from ${s}.live_workers where id = p_worker;
  else update ${s}.live_workers set closing = true where id = p_worker; end if;
  perform pg_notify(p_channel, '');
end $$;
`
