import { PINNED } from '../plan-settings.ts'
import { RUN } from './runs.ts'

/**
 * Lists may be short: the first kind stands for omitted ones, and a single traceparent for all; other omitted values are defaults.
 * Returns null or, when nothing was stored, a JSON list of the ids that exist already.
 *
 * Most calls have no traceparents, and leave that parameter out: each that is sent costs a call of one job 1 %.
 */
export const enqueueing = (s: string): string => /* sql */ `
create function ${s}.enqueue_jobs(
  p_ids text[], p_kinds text[], p_payloads text[], p_run_ats float8[], p_priorities integer[], p_keys text[],
  p_bytes integer[], p_delays float8[], p_now float8, p_channel text, p_notice text, p_traceparents text[] default '{}'
) returns text language plpgsql ${PINNED} as $$
declare
  v_now timestamptz := ${s}.store_time(p_now);
  v_seq bigint := nextval('${s.replaceAll("'", "''")}.job_seq') * 1048576;
  v_runs boolean := false;
  v_run_at timestamptz;
  v_traceparent text;
begin
  if cardinality(p_ids) >= ${RUN} and cardinality(p_kinds) = 1 and p_run_ats = '{}' and p_priorities = '{}' and p_keys = '{}'
    and p_bytes = '{}' and p_delays = '{}'
  then
    -- Not in the condition above, which would then cost more for all calls.
    v_runs := not exists (select from ${s}.job_limits where kind = p_kinds[1]);
  end if;
  if v_runs then
    if cardinality(p_traceparents) > 1 then
      ${storeRuns(s, 'traceparent', 'unnest(p_ids, p_payloads, p_traceparents) with ordinality as given (id, payload, traceparent, place)')}
    else
      v_traceparent := p_traceparents[1];
      ${storeRuns(s, 'v_traceparent', 'unnest(p_ids, p_payloads) with ordinality as given (id, payload, place)')}
    end if;
    if p_channel is not null then perform pg_notify(p_channel, p_notice); end if;
    return null;
  end if;
  if cardinality(p_ids) = 1 then
    -- What follows for lists, without the cost of unnesting them.
    v_run_at := greatest(v_now, to_timestamp(p_run_ats[1] / 1000.0)) + coalesce(p_delays[1], 0) * interval '1 ms';
    insert into ${s}.jobs (id, kind, payload, run_at, priority, key, created_at, updated_at, seq, traceparent)
      values (p_ids[1], p_kinds[1], p_payloads[1]::json, v_run_at, coalesce(p_priorities[1], 0), p_keys[1], v_now, v_now, v_seq + 1,
        p_traceparents[1]);
    insert into ${s}.jobs_waiting (id, kind, run_at, due, priority, key, seq, note, delayed_since)
      values (p_ids[1], p_kinds[1], v_run_at, v_run_at <= v_now, coalesce(p_priorities[1], 0), p_keys[1], v_seq + 1,
        case when p_bytes[1] is not null then row(p_bytes[1], 0, null, null, null)::${s}.job_note end,
        case when p_delays[1] > 0 then v_now end);
  else
    if cardinality(p_traceparents) = 1 then v_traceparent := p_traceparents[1]; end if;
    insert into ${s}.jobs (id, kind, payload, run_at, priority, key, created_at, updated_at, seq, traceparent)
      select id, coalesce(kind, p_kinds[1]), payload::json,
        greatest(v_now, to_timestamp(run_at / 1000.0)) + coalesce(delay, 0) * interval '1 ms',
        coalesce(priority, 0), key, v_now, v_now, v_seq + place, coalesce(v_traceparent, traceparent)
      from unnest(p_ids, p_kinds, p_payloads, p_run_ats, p_delays, p_priorities, p_keys, p_traceparents) with ordinality
        as given (id, kind, payload, run_at, delay, priority, key, traceparent, place);
    insert into ${s}.jobs_waiting (id, kind, run_at, due, priority, key, seq, note, delayed_since)
      select id, coalesce(kind, p_kinds[1]),
        greatest(v_now, to_timestamp(run_at / 1000.0)) + coalesce(delay, 0) * interval '1 ms',
        coalesce(to_timestamp(run_at / 1000.0) <= v_now, true) and coalesce(delay, 0) = 0, coalesce(priority, 0), key,
        v_seq + place, case when bytes is not null then row(bytes, 0, null, null, null)::${s}.job_note end,
        case when delay > 0 then v_now end
      from unnest(p_ids, p_kinds, p_run_ats, p_delays, p_priorities, p_keys, p_bytes) with ordinality
        as given (id, kind, run_at, delay, priority, key, bytes, place);
  end if;
  -- Jobs with a priority may lie before the mark of a backlog.
  if p_priorities <> '{}' and exists (select from ${s}.job_backlogs) then
    insert into ${s}.job_unblocked_keys (kind, key)
      select distinct b.kind, given.key from unnest(p_kinds, p_keys) as given (kind, key)
      join ${s}.job_backlogs as b on b.kind = coalesce(given.kind, p_kinds[1]) where given.key is not null;
  end if;
  if p_channel is not null then perform pg_notify(p_channel, p_notice); end if;
  return null;
exception when unique_violation then
  -- Such a transaction doesn't see rows committed since it began.
  if current_setting('transaction_isolation') in ('repeatable read', 'serializable') then
    return ${s}.taken_ids(p_ids);
  end if;
  return (
    select coalesce(json_agg(id), '[]')::text from (
      select id from ${s}.jobs where id = any (p_ids)
      union select id from unnest(p_ids) as id group by id having count(*) > 1
    ) as taken
  );
end $$;

-- The ids that exist, whatever this transaction's snapshot shows: tries to insert each, and undoes that.
create function ${s}.taken_ids(p_ids text[]) returns text language plpgsql ${PINNED} as $$
declare
  v_id text;
  v_taken text[] := '{}';
begin
  foreach v_id in array p_ids loop
    begin
      insert into ${s}.jobs (id, kind, payload, run_at, priority, created_at, updated_at, seq)
        values (v_id, '', 'null', now(), 0, now(), now(), 0);
    exception when unique_violation then
      v_taken := v_taken || v_id;
    end;
  end loop;
  raise exception sqlstate 'RU000';
exception when sqlstate 'RU000' then
  return (select coalesce(json_agg(distinct id), '[]')::text from unnest(v_taken) as id);
end $$;
`

/** @param from what gives id, payload and place of each job */
const storeRuns = (s: string, traceparent: string, from: string): string => /* sql */ `with stored as (
        insert into ${s}.jobs (id, kind, payload, run_at, priority, created_at, updated_at, seq, traceparent)
          select id, p_kinds[1], payload::json, v_now, 0, v_now, v_now, v_seq + place, ${traceparent} from ${from}
        returning ctid, id, seq
      )
      insert into ${s}.jobs_waiting (kind, run_at, due, priority, seq, id, ids, tids)
        select p_kinds[1], v_now, true, 0, run.seq, run.ids[1], run.ids, run.tids from (
          select min(seq) as seq, array_agg(id order by seq) as ids, array_agg(ctid order by seq) as tids
          from stored group by (seq - v_seq - 1) / ${RUN}
        ) as run;`
