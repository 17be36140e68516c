import { BY_INDEX, PINNED } from '../plan-settings.ts'
import { LINKED } from './linked-outcomes.ts'
import { LINK } from './links.ts'

/**
 * Enqueueing of jobs that have to do with others: that have a unique key, run after other jobs, or skip or replace a job that is there. Lists are as
 * for enqueue_jobs; those of onExists and what follows have a value for each job or none at all.
 *
 * Returns null when all were stored as they are, else a JSON list for the others: [place, what became of it, id of the job
 * that is there, its unique key if it was found by that, its kind]. With p_all, nothing is stored if one job can't be.
 *
 * Locks are taken in one order by all calls: unique keys and then ids, each sorted.
 */
export const enqueueingLinked = (s: string): string => [entry(s), asNew(s), oneByOne(s)].join('')

const entry = (s: string): string => /* sql */ `
create type ${s}.linked_job as (
  place bigint,
  id text,
  kind text,
  payload text,
  run_at timestamptz,
  -- When its delay began, if it has one.
  delayed_since timestamptz,
  priority integer,
  key text,
  bytes integer,
  unique_key text,
  until_started boolean,
  on_exists text,
  max_delay float8,
  encoded_for text,
  after text[],
  on_end boolean,
  traceparent text
);

create function ${s}.enqueue_linked_jobs(
  p_ids text[], p_kinds text[], p_payloads text[], p_run_ats float8[], p_priorities integer[], p_keys text[],
  p_bytes integer[], p_delays float8[], p_unique_keys text[], p_until_started boolean[], p_on_exists text[], p_max_delays float8[],
  p_encoded_for text[], p_after text[], p_on_end boolean[], p_block boolean, p_all boolean, p_now float8, p_channel text, p_notice text,
  p_traceparents text[] default '{}'
) returns text language plpgsql ${PINNED} as $$
declare
  v_now timestamptz := ${s}.store_time(p_now);
  v_seq bigint := nextval('${s.replaceAll("'", "''")}.job_seq') * 1048576;
  v_jobs ${s}.linked_job[] := array(
    select row(place, id, coalesce(kind, p_kinds[1]), payload,
      greatest(v_now, to_timestamp(run_at / 1000.0)) + coalesce(delay, 0) * interval '1 ms', case when delay > 0 then v_now end,
      coalesce(priority, 0), key, bytes, unique_key, coalesce(until_started, false), coalesce(on_exists, p_on_exists[1]), max_delay,
      encoded_for, case when after is not null then array(select json_array_elements_text(after::json)) end, coalesce(on_end, false),
      case when cardinality(p_traceparents) = 1 then p_traceparents[1] else traceparent end
    )::${s}.linked_job
    from unnest(p_ids, p_kinds, p_payloads, p_run_ats, p_delays, p_priorities, p_keys, p_bytes, p_unique_keys, p_until_started,
      p_on_exists, p_max_delays, p_encoded_for, p_after, p_on_end, p_traceparents) with ordinality
      as given (id, kind, payload, run_at, delay, priority, key, bytes, unique_key, until_started, on_exists, max_delay, encoded_for,
        after, on_end, traceparent, place)
  );
  v_others text;
  v_changed boolean := true;
  v_refused json;
begin
  -- Nearly all lists are either new or known.
  if not (${s}.are_new_jobs(v_jobs) and ${s}.store_new_jobs(v_jobs, v_seq, v_now)) then
    select others, changed into v_others, v_changed from ${s}.enqueue_one_by_one(v_jobs, v_seq, p_all, v_now);
  end if;
  if p_block and v_changed and p_after <> '{}' then
    v_refused := ${s}.block_linked_jobs(v_jobs, v_others::json, v_now);
    if v_refused is not null then raise exception sqlstate 'RU002'; end if;
  end if;
  if v_changed and p_channel is not null then perform pg_notify(p_channel, p_notice); end if;
  return v_others;
exception when sqlstate 'RU002' then
  return v_refused::text;
end $$;
`

const asNew = (s: string): string => /* sql */ `
-- Whether none of these jobs is there, as far as is seen now.
create function ${s}.are_new_jobs(p_jobs ${s}.linked_job[]) returns boolean language plpgsql ${BY_INDEX} as $$
begin
  return not exists (
    select from unnest(p_jobs) as given
    -- Not by "exists", for which PostgreSQL may hash the whole table.
    where given.encoded_for <> given.id or (select true from ${s}.jobs as j where j.id = given.id)
      or (select true from ${s}.job_unique as u where u.kind = given.kind and u.key = given.unique_key)
  );
end $$;

-- False, and nothing is stored, when a job is there, or two of them are of one id or key.
create function ${s}.store_new_jobs(p_jobs ${s}.linked_job[], p_seq bigint, p_now timestamptz) returns boolean
language plpgsql ${PINNED} as $$
begin
  insert into ${s}.job_unique (kind, key, id, until_started)
    select kind, unique_key, id, until_started from unnest(p_jobs) where unique_key is not null
    order by kind collate "C", unique_key collate "C";
  perform ${s}.insert_linked_jobs(p_jobs, p_seq, p_now);
  return true;
exception when unique_violation then
  return false;
end $$;

create function ${s}.insert_linked_jobs(p_jobs ${s}.linked_job[], p_seq bigint, p_now timestamptz) returns void
language plpgsql ${PINNED} as $$
begin
  insert into ${s}.jobs (id, kind, payload, run_at, priority, key, unique_key, after, links, created_at, updated_at, seq, traceparent)
    select id, kind, payload::json, run_at, priority, key, unique_key, after, nullif(
      case when unique_key is null then 0 when until_started then ${LINK.unique | LINK.uniqueUntilStarted} else ${LINK.unique} end
      + case when after is null then 0 when on_end then ${LINK.after | LINK.onEnd} else ${LINK.after} end
      + case when after is not null and delayed_since is not null then ${LINK.delayed} else 0 end, 0),
      p_now, p_now, p_seq + place, traceparent
    from unnest(p_jobs) order by id collate "C";
  insert into ${s}.jobs_waiting (id, kind, run_at, due, priority, key, seq, note, delayed_since)
    select id, kind, run_at, run_at <= p_now, priority, key, p_seq + place,
      case when bytes is not null or (until_started and unique_key is not null)
        then row(bytes, 0, null, null, case when until_started then unique_key end)::${s}.job_note end,
      delayed_since
    from unnest(p_jobs) where after is null;
  -- Jobs with a priority may lie before the mark of a backlog.
  if exists (select from ${s}.job_backlogs) then
    insert into ${s}.job_unblocked_keys (kind, key)
      select distinct b.kind, given.key from unnest(p_jobs) as given join ${s}.job_backlogs as b on b.kind = given.kind
      where given.key is not null and given.priority <> 0;
  end if;
end $$;
`

const oneByOne = (s: string): string => /* sql */ `
create function ${s}.enqueue_one_by_one(
  p_jobs ${s}.linked_job[], p_seq bigint, p_all boolean, p_now timestamptz, out others text, out changed boolean
) language plpgsql ${PINNED} as $$
declare
  v_job ${s}.linked_job;
  v_one json;
  v_others json[] := '{}';
  v_failed boolean := false;
  -- Then the first of them has to be stored first, whatever their keys.
  v_twice boolean := (select count(distinct id) < count(*) from unnest(p_jobs));
begin
  changed := false;
  perform ${s}.lock_replaced_jobs(p_jobs);
  for v_job in
    select * from unnest(p_jobs) order by case when v_twice then place end, kind collate "C", unique_key collate "C" nulls last,
      case when unique_key is null then id end collate "C", place
  loop
    v_one := ${s}.enqueue_linked_job(v_job, p_seq, p_now);
    changed := changed or v_one is null or v_one ->> 1 = '${LINKED.replaced}';
    continue when v_one is null;
    v_others := v_others || v_one;
    v_failed := v_failed or v_one ->> 1 not in ('${LINKED.skipped}', '${LINKED.replaced}');
  end loop;
  if v_failed and p_all then raise exception sqlstate 'RU001'; end if;
  others := nullif(array_to_json(v_others)::text, '[]');
exception when sqlstate 'RU001' then
  changed := false;
  others := array_to_json(v_others)::text;
end $$;

-- In the order of their ids, as others do that lock several jobs.
create function ${s}.lock_replaced_jobs(p_jobs ${s}.linked_job[]) returns void language plpgsql ${BY_INDEX} as $$
begin
  if exists (select from unnest(p_jobs) where on_exists = 'replace') and cardinality(p_jobs) > 1 then
    perform from ${s}.jobs as j where j.id = any (array(
      select given.id from unnest(p_jobs) as given where given.on_exists = 'replace'
      union select u.id from unnest(p_jobs) as given
        cross join lateral (select o.id from ${s}.job_unique as o where o.kind = given.kind and o.key = given.unique_key offset 0) as u
        where given.on_exists = 'replace'
    )) and j.status = 'PENDING' order by j.id for update;
  end if;
end $$;

-- Null when the job was stored.
create function ${s}.enqueue_linked_job(p_job ${s}.linked_job, p_seq bigint, p_now timestamptz) returns json
language plpgsql ${BY_INDEX} as $$
declare
  v_there ${s}.jobs;
  -- That of the job that is there, if it is there by that.
  v_key text;
  v_outcome text;
begin
  -- Repeated while concurrent transactions change what is there.
  loop
    v_key := null;
    select * into v_there from ${s}.jobs as j where j.id = p_job.id;
    if not found and p_job.unique_key is not null then
      insert into ${s}.job_unique (kind, key, id, until_started)
        values (p_job.kind, p_job.unique_key, p_job.id, p_job.until_started) on conflict do nothing;
      if not found then
        v_key := p_job.unique_key;
        select j.* into v_there from ${s}.job_unique as u
          cross join lateral (select * from ${s}.jobs as o where o.id = u.id offset 0) as j
          where u.kind = p_job.kind and u.key = v_key;
        continue when not found;
      end if;
    end if;
    if v_there.id is null then
      v_outcome := ${s}.store_linked_job(p_job, p_seq, p_now);
      if v_outcome is null then return null; end if;
    else
      v_outcome := case p_job.on_exists when 'fail' then '${LINKED.exists}' when 'skip' then '${LINKED.skipped}'
        else case when v_there.status = 'PENDING' or v_there.kind <> p_job.kind then ${s}.replace_job(p_job, v_there.id, p_seq, p_now)
          -- Not locked, since one that is retried takes its key again.
          else '${LINKED.skipped}' end end;
      if v_outcome = '${LINKED.skipped}' and v_key is not null and p_job.on_exists = 'replace' then
        -- It may have given up its key before it was locked.
        continue when not exists (
          select from ${s}.job_unique as u where u.kind = p_job.kind and u.key = v_key and u.id = v_there.id);
      end if;
    end if;
    continue when v_outcome = 'repeat';
    return json_build_array(p_job.place, v_outcome, coalesce(v_there.id, p_job.id), v_key, v_there.kind);
  end loop;
end $$;

-- Of a job that holds its key already. Null when it was stored; if not, the key is given up.
create function ${s}.store_linked_job(p_job ${s}.linked_job, p_seq bigint, p_now timestamptz) returns text
language plpgsql ${BY_INDEX} as $$
declare
  v_outcome text := '${LINKED.encodedForAnother}';
begin
  if (p_job.encoded_for = p_job.id) is not false then
    begin
      perform ${s}.insert_linked_jobs(array[p_job], p_seq, p_now);
      return null;
    exception when unique_violation then
      v_outcome := 'repeat';
    end;
  end if;
  delete from ${s}.job_unique where kind = p_job.kind and key = p_job.unique_key and id = p_job.id;
  if v_outcome = 'repeat' and current_setting('transaction_isolation') in ('repeatable read', 'serializable') then
    -- Such a transaction doesn't see the job that is there.
    if p_job.on_exists = 'replace' then
      raise exception sqlstate '40001' using message = 'could not serialize access due to a job that was enqueued concurrently';
    end if;
    return case p_job.on_exists when 'fail' then '${LINKED.exists}' else '${LINKED.skipped}' end;
  end if;
  return v_outcome;
end $$;

create function ${s}.replace_job(p_job ${s}.linked_job, p_id text, p_seq bigint, p_now timestamptz) returns text
language plpgsql ${BY_INDEX} as $$
declare
  v_there ${s}.jobs;
  v_run_at timestamptz;
begin
  select * into v_there from ${s}.jobs as j where j.id = p_id for update;
  if not found then return 'repeat'; end if;
  if v_there.kind <> p_job.kind then return '${LINKED.otherKind}'; end if;
  if v_there.status <> 'PENDING' then return '${LINKED.skipped}'; end if;
  if p_job.encoded_for <> p_id then return '${LINKED.encodedForAnother}'; end if;
  v_run_at := greatest(p_now, least(p_job.run_at, v_there.created_at + p_job.max_delay * interval '1 ms'));
  -- One that is due stays where it is, however often it is replaced.
  if v_there.run_at <= p_now and v_run_at <= p_now then v_run_at := v_there.run_at; end if;
  v_there.traceparent := coalesce(p_job.traceparent, v_there.traceparent);
  if not ${s}.replace_waiting_job(
    v_there, p_job.payload::json, p_job.bytes, v_run_at, p_job.delayed_since, p_job.priority, p_job.key, p_seq, p_now
  ) then return '${LINKED.skipped}'; end if;
  return '${LINKED.replaced}';
end $$;
`
