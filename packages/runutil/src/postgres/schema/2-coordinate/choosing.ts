import { BY_HASH, BY_INDEX } from '../plan-settings.ts'

/**
 * Which spec is worked on next, by the rules of `choose` in coordinate/scheduler.ts. `p_empty` are specs that were found
 * to be empty, whatever their rows say.
 *
 * Where only one spec may be worked on, it is that one. Reading all specs takes time for each: where there are many, one is drawn
 * first, by its weight. If none of its units is pending, its chances are those of its weight, and the draw stands; else it stands
 * with the probability of not being ahead of its share, which is known once all specs are read, and otherwise one is drawn from all
 * as usual. Both give the same chances as reading all at once.
 */
export const choosing = (s: string): string => /* sql */ `
-- A random number in (0, 1), different for each p_of.
create function ${s}.work_random(p_seed bigint, p_of bigint) returns float8 language sql immutable as $$
  select (pg_catalog.float8(pg_catalog.hashint8extended(p_of, p_seed) operator(pg_catalog.&) 4503599627370495)
    operator(pg_catalog.+) 1) operator(pg_catalog./) 4503599627370497
$$;

create function ${s}.draw_spec(
  p_namespace bigint, p_specs text[], p_runtimes text[], p_gb float8, p_seed bigint, p_empty bigint[], p_now timestamptz,
  out spec bigint, out behind boolean
) language plpgsql stable ${BY_INDEX} as $$
declare
  v_first bigint;
  v_last bigint;
  v_priority float8;
  v_weight float8;
begin
  select min(id), max(id) into v_first, v_last from ${s}.work_specs where namespace = p_namespace;
  if v_last - v_first < ${MIN_SPECS_TO_DRAW} then return; end if;
  select priority, weight into v_priority, v_weight from ${s}.work_specs where namespace = p_namespace
    order by priority desc, weight desc limit 1;
  for nth in 1..${MAX_DRAWS} loop
    select s.id into spec from ${s}.work_specs as s
      where s.id = v_first + floor(${s}.work_random(p_seed, nth) * (v_last - v_first + 1))::bigint
        and s.namespace = p_namespace and s.priority = v_priority
        and s.weight > ${s}.work_random(p_seed, -nth) * v_weight
        and ${MATCHES_REQUEST} and (${AVAILABLE} or ${CONTINUOUS_DUE});
    if found then
      behind := not exists (select from ${s}.work_units as u where u.spec = draw_spec.spec and u.state = 'pending');
      return;
    end if;
  end loop;
end $$;

-- Returns no spec when there is nothing to do; else how many of its units to lease at most, unless it is to be continued.
create function ${s}.choose_spec(
  p_namespace bigint, p_specs text[], p_runtimes text[], p_gb float8, p_units integer, p_random float8, p_empty bigint[],
  p_now timestamptz,
  out spec bigint, out name text, out task text, out units integer, out continued boolean, out retries float8
) language plpgsql stable ${BY_INDEX} as $$
declare
  v_seed bigint := (p_random * 9e15)::bigint;
  v_drawn bigint;
  v_behind boolean;
  v_eligible bigint;
  v_pending float8 := 0;
  v_running float8;
  v_returned float8;
begin
  -- Of one, the least of each column is its own.
  select count(*), min(e.id), ${LEAST}
    into v_eligible, spec, name, task, v_running, v_returned, retries, continued from (
      select s.id, ${CHOSEN} from ${s}.work_specs as s
      where s.namespace = p_namespace and ${MATCHES_REQUEST} and (${AVAILABLE} or ${CONTINUOUS_DUE}) limit 2
    ) as e;
  if v_eligible > 1 then
    select d.spec, d.behind into v_drawn, v_behind
      from ${s}.draw_spec(p_namespace, p_specs, p_runtimes, p_gb, v_seed, p_empty, p_now) as d;
    if v_behind then
      spec := v_drawn;
    else
      select c.id, c.pending into spec, v_pending
        from ${s}.choose_from_all(p_namespace, p_specs, p_runtimes, p_gb, v_seed, v_drawn, p_empty, p_now) as c;
    end if;
  end if;
  if spec is null then return; end if;
  if v_eligible > 1 then
    select ${CHOSEN} into name, task, v_running, v_returned, retries, continued
      from ${s}.work_specs as s where s.id = choose_spec.spec;
  elsif v_running > 0 or continued then
    -- It was not compared with others, for which this would have been asked.
    select count(*) into v_pending from ${s}.work_units as u where u.spec = choose_spec.spec and u.state = 'pending';
    if continued and v_pending > 0 or v_running > 0 and v_pending >= v_running then
      spec := null;
      return;
    end if;
  end if;
  units := floor(least(p_units, case when v_returned > 0 then v_returned else p_units end,
    case when v_running > 0 then v_running - v_pending else p_units end));
end $$;

create function ${s}.choose_from_all(
  p_namespace bigint, p_specs text[], p_runtimes text[], p_gb float8, p_seed bigint, p_drawn bigint,
  p_empty bigint[], p_now timestamptz, out id bigint, out pending float8
) language plpgsql stable ${BY_HASH} set enable_nestloop = off as $$
begin
  with counted as materialized (
    select u.spec, count(*)::float8 as units from ${s}.work_units as u where u.state = 'pending' group by u.spec
  ), eligible as materialized (
    select s.id, s.priority, s.weight, coalesce(c.units, 0) as pending
    from ${s}.work_specs as s left join counted as c on c.spec = s.id
    where s.namespace = p_namespace and ${MATCHES_REQUEST}
      and (s.max_running <= 0 or coalesce(c.units, 0) < s.max_running)
      and (${AVAILABLE} or (c.units is null and ${CONTINUOUS_DUE}))
  ), highest as materialized (
    select e.priority, sum(e.weight) as weights, sum(e.pending) + 1 as units from eligible as e
    group by e.priority order by e.priority desc limit 1
  ), chances as (
    select e.id, e.pending, e.weight * (select units from highest) as share,
      e.weight * (select units from highest) - e.pending * (select weights from highest) as chance
    from eligible as e where e.priority = (select priority from highest)
  )
  -- The smallest of exponentially distributed numbers, each with the spec's chance as its rate.
  select c.id, c.pending into choose_from_all.id, choose_from_all.pending from chances as c where c.chance > 0
    order by coalesce(c.id = p_drawn, false) and ${s}.work_random(p_seed, 0) * c.share < c.chance desc,
      ln(${s}.work_random(p_seed, c.id)) / c.chance desc limit 1;
end $$;
`

/** From about how many specs on one is drawn first. */
const MIN_SPECS_TO_DRAW = 50
/** How many draws are made before all are read. */
const MAX_DRAWS = 16

const MATCHES_REQUEST = `s.weight > 0 and not s.paused and (p_specs is null or s.name = any (p_specs))
      and (p_runtimes is null or s.runtime = any (p_runtimes)) and (p_gb is null or s.min_gb <= p_gb)`
const AVAILABLE = 'not s.idle and s.id <> all (p_empty)'
/** What a request has to know of the spec that it is about. */
const CHOSEN = `s.name, s.task, s.max_running, s.max_returned, s.max_retries, not (${AVAILABLE}) as continued`
const LEAST =
  'min(e.name), min(e.task), min(e.max_running), min(e.max_returned), min(e.max_retries), bool_and(e.continued)'
const CONTINUOUS_DUE = 's.continuous and coalesce(s.next_continuous <= p_now, true)'
