import { BY_HASH, BY_INDEX } from '../plan-settings.ts'

/** How many keys a claim looks up one by one; the next claim continues after them. */
const KEYS = 64

/** Finds jobs by their keys, however many jobs of other keys wait before them. */
export const unblockedKeys = (s: string): string => /* sql */ `
-- The first jobs of the keys in job_unblocked_keys. Removes keys that have no room or no job, and duplicates.
create function ${s}.jobs_of_unblocked_keys(p_kind text, p_limit integer, p_each integer)
returns tid[] language plpgsql ${BY_HASH} as $$
declare
  v_most integer := greatest(${KEYS}, 2 * p_limit);
  v_after text := coalesce((select b.unblocked_key_cursor from ${s}.job_backlogs as b where b.kind = p_kind), '');
  v_places tid[];
  v_last text;
begin
  -- In one statement, so that keys added meanwhile stay.
  with unblocked as materialized (
    select o.ctid as place, o.key, row_number() over (partition by o.key) as nth from (
      select o.ctid, o.key from ${s}.job_unblocked_keys as o where o.kind = p_kind and o.key > v_after
      order by o.key limit v_most
    ) as o
  ), found as materialized (
    select o.key, f.ctid as place from unblocked as o, lateral (
      -- A range, and ordered by it: otherwise the planner may scan all due jobs for one key.
      select w.ctid from ${s}.jobs_waiting as w
      where w.kind = p_kind and w.key >= o.key and w.key <= o.key and w.due and w.key is not null
      order by w.key, w.priority desc, w.run_at, w.seq
      limit greatest(0, least(p_limit, p_each
        - (select count(*) from ${s}.job_slots as r where r.kind = p_kind and r.key = o.key)))
    ) as f where o.nth = 1
  ), over as (
    delete from ${s}.job_unblocked_keys where ctid = any (array(
      select o.place from unblocked as o where o.nth > 1 or o.key not in (select f.key from found as f)
    ))
  )
  select array(select f.place from found as f), case when count(*) = v_most then max(o.key) end
    into v_places, v_last from unblocked as o;
  update ${s}.job_backlogs as b set unblocked_key_cursor = v_last
    where b.kind = p_kind and b.unblocked_key_cursor is distinct from v_last;
  return v_places;
end $$;

-- The first jobs of the next keys that aren't full, in the order of the keys.
create function ${s}.jobs_of_next_keys(
  p_kind text, p_limit integer, p_each integer, p_after text, out places tid[], out reached text
) language plpgsql ${BY_INDEX} as $$
declare
  v_start text := coalesce(p_after, '');
  v_wrapped boolean := v_start = '';
begin
  reached := v_start;
  places := '{}';
  for i in 1..${KEYS} loop
    exit when cardinality(places) >= p_limit;
    select w.key into reached from ${s}.jobs_waiting as w
      where w.kind = p_kind and w.due and w.key is not null and w.key > reached order by w.key limit 1;
    if not found then
      reached := '';
      exit when v_wrapped;
      v_wrapped := true;
      continue;
    end if;
    exit when v_wrapped and v_start <> '' and reached > v_start;
    places := places || array(
      select w.ctid from ${s}.jobs_waiting as w
      where w.kind = p_kind and w.key >= reached and w.key <= reached and w.due and w.key is not null
      order by w.key, w.priority desc, w.run_at, w.seq
      limit greatest(0, least(p_limit, p_each
        - (select count(*) from ${s}.job_slots as o where o.kind = p_kind and o.key = reached)))
    );
  end loop;
end $$;
`
