import { PINNED } from '../plan-settings.ts'

/** Which jobs may be claimed together: limited by their bytes, and alone if a job may kill its process. */
export const fitting = (s: string): string => /* sql */ `
-- Which of the chosen jobs may be claimed together. Where jobs on their last chance are left, the jobs behind them are
-- chosen instead.
create function ${s}.fitting_jobs(
  p_places tid[], p_kinds text[], p_limit integer, p_look_further boolean, p_max_crashes integer, p_last_chance boolean,
  p_max_bytes float8, p_or_one boolean, out places tid[], out ids text[], out seqs bigint[], out held_back boolean,
  out skipped boolean
) language plpgsql ${PINNED} as $$
declare
  v_job record;
  v_places tid[] := p_places;
  v_left float8 := p_max_bytes;
begin
  skipped := false;
  for v_round in 1..2 loop
    for v_job in
      select w.ctid as place, w.id, w.seq, coalesce((w.note).bytes, 0) as bytes,
        coalesce((w.note).crashes, 0) = p_max_crashes as is_last
      from ${s}.jobs_waiting as w where w.ctid = any (v_places) order by w.priority desc, w.run_at, w.seq
    loop
      if v_job.is_last and not (p_last_chance and ids is null and v_round = 1) then
        skipped := true;
        continue;
      end if;
      held_back := v_job.bytes > v_left and not (p_or_one and ids is null);
      if held_back then return; end if;
      v_left := v_left - v_job.bytes;
      places := places || v_job.place;
      ids := ids || v_job.id;
      seqs := seqs || v_job.seq;
      if v_job.is_last then return; end if;
    end loop;
    if v_round = 2 or not (p_look_further and skipped and cardinality(p_places) = p_limit) then return; end if;
    select array_agg(f.place) into v_places from (
      select c.place from unnest(p_kinds) as k (kind), ${s}.first_jobs_except_last_chance(k.kind, p_limit, p_max_crashes) as c
      order by c.priority desc, c.run_at, c.seq limit p_limit
    ) as f where f.place <> all (coalesce(places, '{}'));
  end loop;
end $$;

-- Like first_jobs, without jobs on their last chance.
create function ${s}.first_jobs_except_last_chance(p_kind text, p_limit integer, p_max_crashes integer)
returns table (place tid, priority integer, run_at timestamptz, seq bigint) language plpgsql ${PINNED} as $$
begin
  perform ${s}.break_first_runs(p_kind, p_limit);
  return query
    select w.ctid, w.priority, w.run_at, w.seq from ${s}.jobs_waiting as w
    where w.kind = p_kind and w.due and w.ids is null and coalesce((w.note).crashes, 0) <> p_max_crashes
    order by w.priority desc, w.run_at, w.seq limit p_limit for update skip locked;
end $$;
`
