import { BY_INDEX } from '../plan-settings.ts'

/** Claims that go on where the last one stopped: see scan-marks.ts of the store. */
export const markedJobs = (s: string): string => /* sql */ `
-- Like first_jobs, but for each marked priority only jobs from the mark on.
create function ${s}.marked_jobs(
  p_kind text, p_limit integer, p_mark_kinds text[], p_mark_priorities integer[], p_mark_times float8[]
) returns table (place tid, id text, priority integer, run_at timestamptz, seq bigint) language plpgsql
${BY_INDEX} as $$
declare
  v_mark record;
  v_left integer := p_limit;
  v_got integer;
  -- All higher priorities have been searched.
  v_top integer := 2147483647;
begin
  for v_mark in
    select m.priority, to_timestamp(m.time / 1000.0) as time
    from unnest(p_mark_kinds, p_mark_priorities, p_mark_times) as m (kind, priority, time)
    where m.kind = p_kind order by m.priority desc
  loop
    return query select w.ctid, w.id, w.priority, w.run_at, w.seq from ${s}.jobs_waiting as w
      where w.kind = p_kind and w.due and w.ids is null and w.priority <= v_top and w.priority > v_mark.priority
      order by w.priority desc, w.run_at, w.seq limit v_left for update skip locked;
    get diagnostics v_got = row_count;
    v_left := v_left - v_got;
    return query select w.ctid, w.id, w.priority, w.run_at, w.seq from ${s}.jobs_waiting as w
      where w.kind = p_kind and w.due and w.ids is null and w.priority = v_mark.priority and w.run_at >= v_mark.time
      order by w.run_at, w.seq limit v_left for update skip locked;
    get diagnostics v_got = row_count;
    v_left := v_left - v_got;
    if v_left = 0 or v_mark.priority = -2147483648 then return; end if;
    v_top := v_mark.priority - 1;
  end loop;
  return query select w.ctid, w.id, w.priority, w.run_at, w.seq from ${s}.jobs_waiting as w
    where w.kind = p_kind and w.due and w.ids is null and w.priority <= v_top
    order by w.priority desc, w.run_at, w.seq limit v_left for update skip locked;
end $$;
`
