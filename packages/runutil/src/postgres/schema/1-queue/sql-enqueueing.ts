import { PINNED } from '../plan-settings.ts'
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

create function ${s}.enqueue(
  kind text, payload json default 'null', id text default null, run_at timestamptz default null,
  delay interval default null, priority integer default 0, key text default null
) returns text language plpgsql security definer ${PINNED} as $$
declare
  v_kind text := ${s}.checked_kind(enqueue.kind);
  v_id text := case when enqueue.id is null then ${s}.time_ordered_id() else ${s}.checked_text(enqueue.id, 'id', ${LONGEST_ID}) end;
  v_key text := case when enqueue.key is not null then ${s}.checked_text(enqueue.key, 'key', ${LONGEST_KEY}) end;
  v_payload text := coalesce(enqueue.payload::text, 'null');
  v_delay float8 := extract(epoch from enqueue.delay) * 1000;
  v_run_at float8 := greatest(0, extract(epoch from enqueue.run_at) * 1000);
  v_priority integer := nullif(enqueue.priority, 0);
  v_wrong text;
  v_notice text;
  v_taken text;
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
  end;
  if v_wrong is not null then
    raise exception using errcode = 'invalid_parameter_value', message = 'enqueue: ' || v_wrong;
  end if;
  if enqueue.run_at is null then v_run_at := null; end if;
  v_notice := ${s}.job_notice(v_kind, coalesce(v_delay, v_run_at - extract(epoch from clock_timestamp()) * 1000, 0));
  v_taken := ${s}.enqueue_jobs(
    array[v_id], array[v_kind], array[v_payload],
    case when v_run_at is null then '{}' else array[v_run_at] end,
    case when v_priority is null then '{}' else array[v_priority] end,
    case when v_key is null then '{}' else array[v_key] end,
    case when octet_length(v_payload) <= ${UNCOUNTED_BYTES} then '{}' else array[octet_length(v_payload)] end,
    case when v_delay is null then '{}' else array[v_delay] end,
    null, case when v_notice is not null then ${jobsChannel(s)} end, v_notice
  );
  if v_taken is not null then
    raise exception using errcode = 'unique_violation', message = format('enqueue: a job exists already with the id %L', v_id),
      detail = format('Key (id)=(%s) already exists.', v_id), constraint = 'jobs_pkey', table = 'jobs';
  end if;
  return v_id;
end $$;
revoke all on function ${s}.enqueue from public;
`
