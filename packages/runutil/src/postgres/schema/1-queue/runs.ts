import { BY_INDEX } from '../plan-settings.ts'

/** How many jobs of one call, or freed by one transaction, share a row of `jobs_waiting`, and how many it takes for that. */
export const RUN = 100

/** Whether a run, which begins at or before this seq, has the job of it. */
const inRun = (seq: string): string =>
  `case when seqs is null then seq + cardinality(ids) > ${seq} else ${seq} = any (seqs) end`

/**
 * Runs: rows of `jobs_waiting` for up to 100 jobs of one kind that were enqueued by one call, one after another, and differ in
 * nothing that a claim looks at. They are due, have neither key nor note, and their seqs have no gaps, so no other job of the kind
 * lies between them. Jobs that one transaction unblocks are runs too, where none that has to wait in a row of its own lies between
 * them; their seqs have gaps, and `seqs` has them all. Their time, in us, is that of the transaction, so that no job of another does.
 *
 * A claim takes whole runs and a part of the last. Whatever concerns a single job of a run (a cancellation, a limit that is set
 * later, a claim of few jobs) breaks the run into single rows first.
 */
export const runs = (s: string): string => /* sql */ `
-- Breaks those of the given rows that are runs.
create function ${s}.break_runs(p_places tid[]) returns void language plpgsql ${BY_INDEX} as $$
begin
  with broken as (
    delete from ${s}.jobs_waiting where ctid = any (p_places) and ids is not null returning *
  ), backlogs as (
    -- Jobs without a key may now lie before the mark of a backlog.
    delete from ${s}.job_backlogs where kind in (select kind from broken)
  )
  insert into ${s}.jobs_waiting (seq, run_at, priority, due, kind, id)
    select coalesce(b.seqs[each.nth], b.seq + each.nth - 1), b.run_at, b.priority, true, b.kind, each.id
    from broken as b, unnest(b.ids) with ordinality as each (id, nth);
end $$;

-- Breaks the first runs of a kind, with p_jobs jobs or more, so that no run lies before the first p_jobs single jobs.
create function ${s}.break_first_runs(p_kind text, p_jobs integer) returns void language plpgsql ${BY_INDEX} as $$
declare
  v_run record;
  v_left integer := p_jobs;
begin
  for v_run in
    select ctid as place, cardinality(ids) as jobs from ${s}.jobs_waiting where kind = p_kind and ids is not null
    order by priority desc, run_at, seq for update
  loop
    perform ${s}.break_runs(array[v_run.place]);
    v_left := v_left - v_run.jobs;
    exit when v_left <= 0;
  end loop;
end $$;

-- Breaks the run that this job waits in. Returns false when it waits in none.
create function ${s}.break_run_of(p_kind text, p_priority integer, p_run_at timestamptz, p_seq bigint)
returns boolean language plpgsql ${BY_INDEX} as $$
declare
  v_place tid;
begin
  loop
    -- A claim may replace the run by what it leaves of it.
    select ctid into v_place from ${s}.jobs_waiting
      where kind = p_kind and ids is not null and priority = p_priority and run_at = p_run_at and seq <= p_seq
        and ${inRun('p_seq')} for update;
    if found then
      perform ${s}.break_runs(array[v_place]);
      return true;
    end if;
    if not exists (
      select from ${s}.jobs_waiting
      where kind = p_kind and ids is not null and priority = p_priority and run_at = p_run_at and seq <= p_seq
        and ${inRun('p_seq')}
    ) then return false; end if;
  end loop;
end $$;

-- Locks the first due rows of a kind, until they have p_limit jobs.
create function ${s}.first_rows(p_kind text, p_limit integer)
returns table (place tid, priority integer, run_at timestamptz, seq bigint, is_noted boolean, jobs integer)
language plpgsql ${BY_INDEX} as $$
declare
  v_rows no scroll cursor for
    select w.ctid, w.priority, w.run_at, w.seq, w.note is not null, coalesce(cardinality(w.ids), 1)
    from ${s}.jobs_waiting as w where w.kind = p_kind and w.due
    order by w.priority desc, w.run_at, w.seq for update skip locked;
  v_left integer := p_limit;
begin
  open v_rows;
  while v_left > 0 loop
    fetch v_rows into place, priority, run_at, seq, is_noted, jobs;
    exit when not found;
    return next;
    v_left := v_left - jobs;
  end loop;
  close v_rows;
end $$;

-- Chooses jobs for a claim while there are runs: places are those of the rows to be removed, tids those in jobs, null for a
-- job that doesn't come from a run. With some_locked, another claim has locked a run, of which it may leave a part.
create function ${s}.choose_from_runs(
  p_kinds text[], p_limit integer,
  out places tid[], out ids text[], out seqs bigint[], out tids tid[], out ends integer[], out noted bigint, out some_locked boolean
) language plpgsql ${BY_INDEX} as $$
declare
  v_rows tid[];
  v_jobs bigint;
begin
  for v_try in 1..2 loop
    select array_agg(f.place), count(*) filter (where f.is_noted), coalesce(sum(f.jobs), 0) into v_rows, noted, v_jobs from (
      select c.* from unnest(p_kinds) as k (kind), ${s}.first_rows(k.kind, p_limit) as c
      order by c.priority desc, c.run_at, c.seq
    ) as f;
    some_locked := v_jobs < p_limit and exists (
      select from ${s}.jobs_waiting as w
      where w.kind = any (p_kinds) and w.ids is not null and w.ctid <> all (coalesce(v_rows, '{}')));
    -- Waits for that claim only where it has locked nothing itself: two of them would wait for each other.
    exit when v_jobs > 0 or not some_locked;
    perform from ${s}.jobs_waiting as w where w.kind = any (p_kinds) and w.ids is not null limit 1 for update;
  end loop;
  if noted > 0 then
    perform ${s}.break_runs(v_rows);
    select array_agg(c.place), array_agg(c.id), array_agg(c.seq), null into places, ids, seqs, noted from (
      select f.* from unnest(p_kinds) as k (kind), ${s}.first_jobs(k.kind, p_limit) as f
      order by f.priority desc, f.run_at, f.seq limit p_limit
    ) as c;
  else
    select taken.places, taken.ids, taken.seqs, taken.tids, taken.ends into places, ids, seqs, tids, ends
      from ${s}.take_runs(v_rows, p_limit) as taken;
  end if;
end $$;

-- The first p_limit jobs of these rows, in this order. Puts back what is left of the last run. ends are the places of the last
-- jobs: of each run without gaps, and, negative, of all that lies between two of those.
create function ${s}.take_runs(
  p_rows tid[], p_limit integer, out places tid[], out ids text[], out seqs bigint[], out tids tid[], out ends integer[]
) language plpgsql ${BY_INDEX} as $$
declare
  v_row record;
  v_left integer := p_limit;
  v_count integer;
  v_end integer;
begin
  for v_row in
    select w.ctid as place, w.* from unnest(p_rows) with ordinality as given (place, nth)
    cross join lateral (select o.ctid, o.* from ${s}.jobs_waiting as o where o.ctid = given.place offset 0) as w
    order by given.nth
  loop
    exit when v_left = 0;
    places := places || v_row.place;
    v_end := p_limit - v_left + least(v_left, coalesce(cardinality(v_row.ids), 1));
    if v_row.ids is not null and v_row.seqs is null then
      ends := ends || v_end;
    elsif ends[cardinality(ends)] < 0 then
      ends[cardinality(ends)] := -v_end;
    else
      ends := ends || -v_end;
    end if;
    if v_row.ids is null then
      ids := ids || v_row.id;
      seqs := seqs || v_row.seq;
      tids := tids || null::tid;
      v_left := v_left - 1;
      continue;
    end if;
    v_count := least(v_left, cardinality(v_row.ids));
    ids := ids || v_row.ids[:v_count];
    seqs := seqs || coalesce(v_row.seqs[:v_count], array(select generate_series(v_row.seq, v_row.seq + v_count - 1)));
    tids := tids || v_row.tids[:v_count];
    v_left := v_left - v_count;
    if v_count = cardinality(v_row.ids) then continue; end if;
    if p_limit >= ${RUN} then
      insert into ${s}.jobs_waiting (seq, run_at, priority, due, kind, id, ids, tids, seqs)
        values (coalesce(v_row.seqs[v_count + 1], v_row.seq + v_count), v_row.run_at, v_row.priority, true, v_row.kind,
          v_row.ids[v_count + 1], v_row.ids[v_count + 1:], v_row.tids[v_count + 1:], v_row.seqs[v_count + 1:]);
    else
      insert into ${s}.jobs_waiting (seq, run_at, priority, due, kind, id)
        select coalesce(v_row.seqs[v_count + rest.nth], v_row.seq + v_count + rest.nth - 1), v_row.run_at, v_row.priority, true, v_row.kind, rest.id
        from unnest(v_row.ids[v_count + 1:]) with ordinality as rest (id, nth);
    end if;
  end loop;
end $$;
`
