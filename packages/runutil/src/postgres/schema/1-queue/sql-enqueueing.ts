import { PINNED } from '../plan-settings.ts'
import { LINKED } from './linked-outcomes.ts'
import { jobsChannel } from './channel.ts'

// As for JobQueue.enqueue; in figures, since a migration doesn't change.
const LONGEST_ID = 500
const LONGEST_KIND = 200
const LONGEST_KEY = 300
const MOST_JSON = 4_194_304
const LONGEST_MS = 1e14
const UNCOUNTED_BYTES = 512

/** Jobs announced: the first of a transaction, then its fourth, sixteenth … with those since. */
const ANNOUNCE_EACH = 4

/**
 * `enqueue`, for triggers and programs in other languages, is the only function that others call: its name, parameters and errors
 * are stable. It normalises and checks as JobQueue.enqueue does. As a security definer it needs no privileges on tables, so it
 * isn't left to everybody.
 */
export const sqlEnqueueing = (s: string): string => /* sql */ `
-- A text of a job as it is stored, trimmed as JavaScript does.
create function ${s}.checked_text(p_text text, p_field text, p_longest integer) returns text language plpgsql ${PINNED} as $$
declare
  v_space text := E' \\t\\n\\x0b\\f\\r';
  v_text text;
  v_units integer;
begin
  if p_text is null then
    raise exception using errcode = 'invalid_parameter_value', message = format('enqueue: %s: expected a text; got null', p_field);
  end if;
  if getdatabaseencoding() = 'UTF8' then
    v_space := v_space || chr(160) || chr(5760) || chr(8192) || chr(8193) || chr(8194) || chr(8195) || chr(8196) || chr(8197) || chr(8198)
      || chr(8199) || chr(8200) || chr(8201) || chr(8202) || chr(8232) || chr(8233) || chr(8239) || chr(8287) || chr(12288) || chr(65279);
  end if;
  v_text := btrim(p_text, v_space);
  if v_text = '' then
    raise exception using errcode = 'invalid_parameter_value',
      message = format('enqueue: %s: expected a text that isn''t empty; got %L', p_field, left(p_text, 100));
  end if;
  v_units := char_length(v_text);
  -- JavaScript counts characters beyond U+FFFF, of four bytes each, as two.
  if octet_length(v_text) > p_longest and getdatabaseencoding() = 'UTF8' then
    v_units := v_units + char_length(regexp_replace(v_text, '[\\u0001-\\uffff]+', '', 'g'));
  end if;
  if v_units > p_longest then
    raise exception using errcode = 'invalid_parameter_value',
      message = format('enqueue: %s: expected at most %s characters; got %s: %L', p_field, p_longest, v_units, left(v_text, 100));
  end if;
  return v_text;
end $$;

-- A kind as it is stored: in lower case, whatever the collation of the database.
create function ${s}.checked_kind(p_kind text) returns text language plpgsql ${PINNED} as $$
declare
  v_kind text := ${s}.checked_text(lower(p_kind), 'kind', ${LONGEST_KIND});
begin
  if octet_length(v_kind) > char_length(v_kind) and getdatabaseencoding() = 'UTF8'
    and exists (select from pg_collation where collname = 'und-x-icu')
  then
    return lower(v_kind collate "und-x-icu");
  end if;
  return v_kind;
end $$;

-- A UUID of version 7: the time of day in ms, a twelve-bit fraction of one, and random bits.
create function ${s}.time_ordered_id() returns text language plpgsql ${PINNED} as $$
declare
  v_us bigint := extract(epoch from clock_timestamp()) * 1000000;
  v_ms text := lpad(to_hex(v_us / 1000), 12, '0');
begin
  return left(v_ms, 8) || '-' || right(v_ms, 4) || '-7' || lpad(to_hex(v_us % 1000 * 4096 / 1000), 3, '0')
    || substr(gen_random_uuid()::text, 19);
end $$;

-- The notification of a job that is due in so many ms; null for none. PostgreSQL sends equal ones of a transaction once: one that
-- enqueues many jobs announces their number in a few.
create function ${s}.job_notice(p_kind text, p_in_ms float8) returns text language plpgsql ${PINNED} as $$
declare
  v_moment bigint := ceil(greatest(p_in_ms, 0) / 250) * 250;
  v_what text := v_moment || ' ' || p_kind;
  v_before text := current_setting('runutil.enqueued', true);
  v_nth bigint := 1;
  v_notice text;
begin
  if p_in_ms > 60000 then return null; end if;
  if v_before ~ '^[0-9]{1,9} ' and substr(v_before, strpos(v_before, ' ') + 1) = v_what then
    v_nth := split_part(v_before, ' ', 1)::bigint + 1;
  end if;
  perform set_config('runutil.enqueued', v_nth || ' ' || v_what, true);
  if v_nth <> round(power(${ANNOUNCE_EACH}, round(log(v_nth) / log(${ANNOUNCE_EACH})))) then return null; end if;
  v_notice := json_build_array(json_build_array(p_kind, v_nth - v_nth / ${ANNOUNCE_EACH}, v_moment))::text;
  return case when octet_length(v_notice) <= 1000 then v_notice else '' end;
end $$;

-- One job, checked. A list of what became of it, as of enqueue_linked_jobs; null: it was stored.
create function ${s}.enqueue_by_sql(
  p_id text, p_kind text, p_payload text, p_run_at float8, p_priority integer, p_key text, p_delay float8, p_unique_key text,
  p_until_started boolean, p_on_exists text, p_channel text, p_notice text
) returns json language plpgsql ${PINNED} as $$
declare
  v_run_ats float8[] := case when p_run_at is null then '{}' else array[p_run_at] end;
  v_priorities integer[] := case when p_priority is null then '{}' else array[p_priority] end;
  v_keys text[] := case when p_key is null then '{}' else array[p_key] end;
  v_delays float8[] := case when p_delay is null then '{}' else array[p_delay] end;
  v_length integer := octet_length(p_payload);
  v_bytes integer[] := case when v_length <= ${UNCOUNTED_BYTES} then '{}' else array[v_length] end;
begin
  if p_unique_key is null and p_on_exists = 'fail' then
    if ${s}.enqueue_jobs(array[p_id], array[p_kind], array[p_payload], v_run_ats, v_priorities, v_keys, v_bytes, v_delays, null,
      p_channel, p_notice) is null
    then
      return null;
    end if;
    return json_build_array(json_build_array(1, '${LINKED.exists}', p_id, null, null));
  end if;
  return ${s}.enqueue_linked_jobs(
    p_ids => array[p_id], p_kinds => array[p_kind], p_payloads => array[p_payload], p_run_ats => v_run_ats,
    p_priorities => v_priorities, p_keys => v_keys, p_bytes => v_bytes, p_delays => v_delays,
    p_unique_keys => case when p_unique_key is null then '{}' else array[p_unique_key] end,
    p_until_started => array[p_until_started], p_on_exists => array[p_on_exists], p_max_delays => '{}', p_encoded_for => '{}',
    p_after => '{}', p_on_end => '{}', p_block => false, p_all => true, p_now => null, p_channel => p_channel, p_notice => p_notice
  );
end $$;

create function ${s}.enqueue(
  kind text, payload json default 'null', id text default null, run_at timestamptz default null,
  delay interval default null, priority integer default 0, key text default null,
  unique_key text default null, unique_until text default null, on_exists text default 'fail'
) returns text language plpgsql security definer ${PINNED} as $$
declare
  v_kind text := ${s}.checked_kind(enqueue.kind);
  v_id text := case when enqueue.id is null then ${s}.time_ordered_id() else ${s}.checked_text(enqueue.id, 'id', ${LONGEST_ID}) end;
  v_key text := case when enqueue.key is not null then ${s}.checked_text(enqueue.key, 'key', ${LONGEST_KEY}) end;
  v_payload text := coalesce(enqueue.payload::text, 'null');
  v_delay float8 := extract(epoch from enqueue.delay) * 1000;
  v_run_at float8 := greatest(0, extract(epoch from enqueue.run_at) * 1000);
  v_priority integer := nullif(enqueue.priority, 0);
  v_unique_key text := case when enqueue.unique_key is not null then ${s}.checked_text(enqueue.unique_key, 'unique_key', ${LONGEST_KEY}) end;
  v_on_exists text := coalesce(enqueue.on_exists, 'fail');
  v_until text := coalesce(enqueue.unique_until, case v_on_exists when 'replace' then 'started' else 'ended' end);
  v_wrong text;
  v_notice text;
  -- Null when the job was stored; else as enqueue_linked_jobs says it.
  v_other json;
begin
  v_wrong := case
    when char_length(v_payload) > ${MOST_JSON} then
      format('payload: expected at most ${MOST_JSON} characters of JSON; got %s', char_length(v_payload))
    when enqueue.run_at is not null and enqueue.delay is not null then 'expected run_at or delay; got both'
    when enqueue.run_at >= timestamptz '10000-01-01 00:00:00+00' then
      format('run_at: expected a time before the year 10000; got %s', enqueue.run_at)
    when not v_delay between 0 and ${LONGEST_MS} then
      format('delay: expected from 0 to ${LONGEST_MS} ms, 3,000 years; got %s', enqueue.delay)
    when v_priority = -2147483648 then 'priority: expected a whole number from -2147483647 to 2147483647; got -2147483648'
    when v_on_exists not in ('fail', 'skip', 'replace') then
      format('on_exists: expected ''fail'', ''skip'' or ''replace''; got %L', v_on_exists)
    when v_until not in ('started', 'ended') then format('unique_until: expected ''started'' or ''ended''; got %L', v_until)
    when enqueue.unique_until is not null and v_unique_key is null then 'unique_until: expected a unique_key beside it; got none'
  end;
  if v_wrong is not null then
    raise exception using errcode = 'invalid_parameter_value', message = 'enqueue: ' || v_wrong;
  end if;
  if enqueue.run_at is null then v_run_at := null; end if;
  v_notice := ${s}.job_notice(v_kind, coalesce(v_delay, v_run_at - extract(epoch from clock_timestamp()) * 1000, 0));
  v_other := ${s}.enqueue_by_sql(
    v_id, v_kind, v_payload, v_run_at, v_priority, v_key, v_delay, v_unique_key, v_until = 'started', v_on_exists,
    case when v_notice is not null then ${jobsChannel(s)} end, v_notice
  ) -> 0;
  if v_other is null then return v_id; end if;
  if v_other ->> 1 in ('${LINKED.skipped}', '${LINKED.replaced}') then return v_other ->> 2; end if;
  if v_other ->> 1 = '${LINKED.otherKind}' then
    raise exception using errcode = 'invalid_parameter_value', message = format(
      'enqueue: kind: expected %L, that of the job %L, to replace it; got %L', v_other ->> 4, v_other ->> 2, v_kind);
  end if;
  raise exception using errcode = 'unique_violation', constraint = 'jobs_pkey', table = 'jobs',
    message = format('enqueue: a job exists already with the id %L', v_other ->> 2)
      || coalesce(format(', and has the unique key %L', v_other ->> 3), ''),
    detail = format('Key (id)=(%s) already exists.', v_other ->> 2);
end $$;
revoke all on function ${s}.enqueue from public;
`
