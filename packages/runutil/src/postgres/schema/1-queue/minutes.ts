import { KEPT_MINUTES, SLICE_MINUTES } from '../../../queue/job-minutes.ts'
import { BY_INDEX, PINNED } from '../plan-settings.ts'

/** What became of the jobs of each kind in the last minutes, in all processes. A minute is a number since the epoch. */
export const minutes = (s: string): string => /* sql */ `
create table ${s}.job_minutes (
  -- The first of ${SLICE_MINUTES} minutes. Together, since an hour of many kinds is then read fast.
  minute integer not null,
  kind text collate "C" not null,
  -- One element for each of the minutes.
  done integer[] not null,
  failed integer[] not null,
  retried integer[] not null,
  -- Histograms of all of them: an array of integers, the number of the first bucket, then the counts; null without any. As text,
  -- since that is how it is read.
  handle text,
  wait text,
  primary key (minute, kind)
) with (fillfactor = 50);

create function ${s}.minute_of(p_time timestamptz) returns integer language plpgsql stable ${PINNED} as $$
begin
  return floor(date_part('epoch', p_time) / 60);
end $$;

-- The sum of two histograms.
create function ${s}.add_counts(p_one text, p_other text) returns text language plpgsql immutable ${PINNED} as $$
declare
  v_one integer[] := p_one::integer[];
  v_other integer[] := p_other::integer[];
  -- Where the count of bucket 0 would be.
  v_one_at integer := 2 - v_one[1];
  v_other_at integer := 2 - v_other[1];
begin
  if p_one is null or p_other is null then return coalesce(p_one, p_other); end if;
  return least(v_one[1], v_other[1]) || array(
    select coalesce(case when n >= v_one[1] then v_one[n + v_one_at] end, 0)
      + coalesce(case when n >= v_other[1] then v_other[n + v_other_at] end, 0)
    from generate_series(least(v_one[1], v_other[1]),
      greatest(cardinality(v_one) - v_one_at, cardinality(v_other) - v_other_at)) as n order by n
  );
end $$;

-- Adds what a process has counted, p_agos ms ago. All processes give their kinds in one order, so that there is no deadlock.
create function ${s}.add_job_minutes(
  p_kinds text[], p_agos float8[], p_done integer[], p_failed integer[], p_retried integer[], p_handles text[],
  p_waits text[], p_now float8
) returns void language plpgsql ${BY_INDEX} as $$
declare
  v_now timestamptz := ${s}.store_time(p_now);
  v_minute integer;
  v_at integer;
  v_none constant integer[] := array_fill(0, array[${SLICE_MINUTES}]);
  v_done integer[];
  v_failed integer[];
  v_retried integer[];
begin
  for i in 1..cardinality(p_kinds) loop
    v_minute := ${s}.minute_of(v_now - p_agos[i] * interval '1 ms');
    v_at := v_minute % ${SLICE_MINUTES} + 1;
    v_done := v_none;
    v_failed := v_none;
    v_retried := v_none;
    v_done[v_at] := p_done[i];
    v_failed[v_at] := p_failed[i];
    v_retried[v_at] := p_retried[i];
    insert into ${s}.job_minutes as m (minute, kind, done, failed, retried, handle, wait)
      values (v_minute - v_at + 1, p_kinds[i], v_done, v_failed, v_retried, p_handles[i], p_waits[i])
    on conflict (minute, kind) do update
      set done[v_at] = m.done[v_at] + p_done[i], failed[v_at] = m.failed[v_at] + p_failed[i],
        retried[v_at] = m.retried[v_at] + p_retried[i],
        handle = ${s}.add_counts(m.handle, excluded.handle), wait = ${s}.add_counts(m.wait, excluded.wait);
  end loop;
end $$;

-- Also those that a clock that was set back has left in the future.
create function ${s}.remove_old_minutes(p_now timestamptz) returns void language plpgsql ${BY_INDEX} as $$
declare
  v_minute integer := ${s}.minute_of(p_now);
begin
  delete from ${s}.job_minutes where minute <= v_minute - ${KEPT_MINUTES};
  delete from ${s}.job_minutes where minute > v_minute + ${SLICE_MINUTES};
end $$;
`
