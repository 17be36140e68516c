import { LOST } from '../../../dispatch/action.ts'
import { BY_INDEX, asFilter } from '../plan-settings.ts'
import { SLACK } from '../store-time.ts'

/** Expiring later than now plus the lease: written before the clock was set back. */
const expiresTooLate = (of: string): string =>
  `${of}.expires > clock_timestamp() + ${of}.lease_ms * interval '1 ms' + ${SLACK}`

/** Live workers, as rows that are leases by the database's time, and their unfinished tasks. */
export const liveWorkers = (s: string): string => /* sql */ `
create table ${s}.live_workers (
  id bigint generated always as identity primary key,
  operation text collate "C" not null,
  target text collate "C" not null,
  host text collate "C" not null,
  -- Increases with every registration: statements of an earlier one find nothing.
  fence bigint not null,
  -- Which registration.
  owner text collate "C" not null,
  -- Takes no more tasks, and finishes its last one.
  closing boolean not null default false,
  -- One task at a time over all operations of the target.
  exclusive boolean not null default false,
  lease_ms float8 not null,
  expires timestamptz not null,
  unique (operation, target)
);
create index live_workers_exclusive on ${s}.live_workers (target) where exclusive;
create table ${s}.worker_tasks (
  id bigint generated always as identity primary key,
  worker bigint not null references ${s}.live_workers on delete cascade,
  action text collate "C" not null unique,
  input json,
  taken boolean not null default false
);
create index worker_tasks_by_worker on ${s}.worker_tasks (worker, id);

-- The workers that hold their targets. A lease that expires later than now plus its length was written before the clock was
-- set back: it is cut to its length. The column cut is the number of such leases.
create function ${s}.present_workers(p_operation text)
returns table (host text, target text, closing boolean, cut float8) language plpgsql ${BY_INDEX} as $$
declare
  v_cut float8;
begin
  with shortened as (
    update ${s}.live_workers as w set expires = clock_timestamp() + w.lease_ms * interval '1 ms'
    where w.operation = p_operation and ${expiresTooLate('w')} returning 1
  ) select count(*) into v_cut from shortened;
  return query select w.host, w.target, w.closing, v_cut from ${s}.live_workers as w
    where w.operation = p_operation and w.expires > clock_timestamp() order by w.target;
end $$;

-- Null while another worker is live. Tasks that nobody took of a worker that is gone go to the next one on the same host. A
-- process that registers again passes its previous registration and the last action it was given: any later task that was
-- taken in its name never reached it, and waits again.
create function ${s}.register_worker(
  p_operation text, p_target text, p_host text, p_owner text, p_lease float8, p_exclusive boolean,
  p_previous bigint, p_previous_fence bigint, p_last text, out p_id bigint, out p_fence bigint
) language plpgsql ${BY_INDEX} as $$
declare
  v_worker ${s}.live_workers;
begin
  insert into ${s}.live_workers (operation, target, host, fence, owner, lease_ms, expires)
    values (p_operation, p_target, p_host, 0, p_owner, p_lease, '-infinity') on conflict do nothing;
  select * into v_worker from ${s}.live_workers where operation = p_operation and target = p_target for update;
  if found and v_worker.owner <> p_owner and ${expiresTooLate('v_worker')} then
    update ${s}.live_workers set expires = clock_timestamp() + lease_ms * interval '1 ms' where id = v_worker.id;
    return;
  end if;
  -- The same owner asks again when it got no answer.
  if not found or (v_worker.expires > clock_timestamp() and v_worker.owner <> p_owner) then return; end if;
  if v_worker.id = p_previous and v_worker.fence = p_previous_fence then
    update ${s}.worker_tasks set taken = false where worker = p_previous and taken and action is distinct from p_last;
  end if;
  delete from ${s}.worker_tasks where worker = v_worker.id and (taken or v_worker.host <> p_host);
  update ${s}.live_workers set host = p_host, owner = p_owner, fence = greatest(fence + 1, ${s}.on_timeline(1)), closing = false,
      exclusive = p_exclusive, lease_ms = p_lease, expires = clock_timestamp() + p_lease * interval '1 ms'
    where id = v_worker.id returning id, fence into p_id, p_fence;
end $$;

-- The worker that the action names; null when it is not live any more.
create function ${s}.post_task(p_record json) returns bigint language plpgsql ${BY_INDEX} as $$
declare
  v_worker bigint;
begin
  select id into v_worker from ${s}.live_workers
    where operation = p_record ->> 'operation' and target = p_record ->> 'target' and host = p_record ->> 'host'
      and not closing and expires > clock_timestamp() for no key update;
  if not found then return null; end if;
  insert into ${s}.worker_tasks (worker, action, input)
    values (v_worker, p_record ->> 'id', p_record -> 'input');
  return v_worker;
end $$;

-- Whether a worker's task is the first of all that wait for its target, and none is running. The target is locked until the
-- commit, so that no two may begin.
create function ${s}.may_begin(p_worker bigint, p_target text, p_task bigint)
returns boolean language plpgsql ${BY_INDEX} as $$
begin
  perform pg_advisory_xact_lock(hashtext('${s.replaceAll("'", "''")}.live_workers'), hashtext(p_target));
  return not exists (
    select from ${s}.live_workers as w join ${s}.worker_tasks as t on t.worker = w.id
    where w.exclusive and w.target = p_target and w.id <> p_worker and w.expires > clock_timestamp()
      and (t.taken or (t.id < p_task and not w.closing
        and exists (select from ${s}.actions as a where a.id = t.action and ${asFilter("a.status = 'running'")})))
  );
end $$;

-- Other exclusive workers of the target may begin a task now.
create function ${s}.wake_exclusive(p_worker bigint, p_target text, p_channel text)
returns void language plpgsql ${BY_INDEX} as $$
begin
  perform pg_notify(p_channel, 'task ' || id) from ${s}.live_workers
    where exclusive and target = p_target and id <> p_worker;
end $$;

-- An action has ended: if its task waits, those behind it may be first for their exclusive target now.
create function ${s}.wake_behind(p_action text, p_channel text) returns void language plpgsql ${BY_INDEX} as $$
begin
  perform ${s}.wake_exclusive(w.id, w.target, p_channel)
    from ${s}.worker_tasks as t join ${s}.live_workers as w on w.id = t.worker
    where t.action = p_action and not t.taken and w.exclusive;
end $$;

-- Those of the workers that have nothing to do, with their fences.
create function ${s}.quiet_workers(p_workers bigint[])
returns table (id bigint, fence bigint) language plpgsql stable ${BY_INDEX} as $$
begin
  return query select w.id, w.fence from unnest(p_workers) as p (worker) join ${s}.live_workers as w on w.id = p.worker
    where not exists (select from ${s}.worker_tasks as t where t.worker = w.id);
end $$;

-- The first unfinished task, also one that was taken before when that call got no answer. Null when there is none, or while
-- another worker holds the target. Writes nothing when there is none. p_told is an action whose taking need not be notified.
create function ${s}.take_task(
  p_worker bigint, p_fence bigint, p_done text, p_told text, p_channel text,
  out p_live boolean, out p_action text, out p_input json
) language plpgsql ${BY_INDEX} as $$
declare
  v_id bigint;
  v_worker ${s}.live_workers;
begin
  perform from ${s}.live_workers where id = p_worker and fence = p_fence;
  p_live := found;
  if not found or not exists (select from ${s}.worker_tasks where worker = p_worker) then return; end if;
  -- Its fence may have changed since.
  select * into v_worker from ${s}.live_workers where id = p_worker and fence = p_fence for key share;
  p_live := found;
  if not found then return; end if;
  delete from ${s}.worker_tasks where worker = p_worker and action = p_done;
  if found and v_worker.exclusive then
    perform ${s}.wake_exclusive(p_worker, v_worker.target, p_channel);
  end if;
  loop
    select id, action, input into v_id, p_action, p_input
      from ${s}.worker_tasks where worker = p_worker order by id limit 1;
    if not found then return; end if;
    exit when exists (select from ${s}.actions where id = p_action and ${asFilter("status = 'running'")});
    -- It has failed meanwhile.
    delete from ${s}.worker_tasks where id = v_id;
  end loop;
  if v_worker.exclusive and not ${s}.may_begin(p_worker, v_worker.target, v_id) then
    p_action := null;
    p_input := null;
    return;
  end if;
  update ${s}.worker_tasks set taken = true where id = v_id;
  if p_action is distinct from p_told then perform pg_notify(p_channel, 'taken ' || p_action); end if;
end $$;

-- The same as JSON, without the input of p_told. p_taker has the worker's id and fence, and the action that it has done.
create function ${s}.next_task(p_taker json, p_told text, p_channel text)
returns json language plpgsql ${BY_INDEX} as $$
declare
  v_next record;
begin
  select * into v_next
    from ${s}.take_task((p_taker ->> 'id')::bigint, (p_taker ->> 'fence')::bigint, p_taker ->> 'done', p_told, p_channel);
  if v_next.p_input is null or v_next.p_action = p_told then
    return json_build_object('isLive', v_next.p_live, 'action', v_next.p_action);
  end if;
  return json_build_object('isLive', v_next.p_live, 'action', v_next.p_action, 'input', v_next.p_input);
end $$;

-- Takes no more tasks; with p_gone, gives its target up. All its tasks fail but p_last, the one that it was given last.
create function ${s}.close_worker(
  p_worker bigint, p_fence bigint, p_last text, p_gone boolean, p_now float8, p_channel text
) returns void language plpgsql ${BY_INDEX} as $$
declare
  v_action text;
  v_worker ${s}.live_workers;
begin
  perform ${s}.lock_actions();
  select * into v_worker from ${s}.live_workers where id = p_worker and fence = p_fence for update;
  if not found then return; end if;
  for v_action in
    delete from ${s}.worker_tasks where worker = p_worker and action is distinct from p_last returning action
  loop
    perform ${s}.update_action(
      json_build_object('id', v_action, 'status', '${LOST.status}', 'error', '${LOST.error}', 'updatedAt', p_now), true, p_channel
    );
    perform pg_notify(p_channel, 'changed');
  end loop;
  if p_gone then delete from ${s}.live_workers where id = p_worker;
  else update ${s}.live_workers set closing = true where id = p_worker; end if;
  if v_worker.exclusive then perform ${s}.wake_exclusive(p_worker, v_worker.target, p_channel); end if;
end $$;
`
