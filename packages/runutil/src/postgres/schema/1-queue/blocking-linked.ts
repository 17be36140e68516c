import { BY_INDEX } from '../plan-settings.ts'
import { LINKED } from './linked-outcomes.ts'

/** Blocking those jobs of a call that run after others. */
export const blockingLinked = (s: string): string => /* sql */ `
-- Blocks those of a call's jobs that were stored and run after others. Returns null or, as a list of others, why none can be stored.
create function ${s}.block_linked_jobs(p_jobs ${s}.linked_job[], p_others json, p_now timestamptz) returns json
language plpgsql ${BY_INDEX} as $$
declare
  v_ids text[] := array(
    select given.id from unnest(p_jobs) as given where given.after is not null
      and given.place not in (select (o.other ->> 0)::bigint from json_array_elements(p_others) as o (other))
  );
  v_unknown text[];
begin
  if ${s}.run_after_those_there(v_ids, p_jobs, p_others) then
    return json_build_array(json_build_array(1, '${LINKED.circle}', null, null, null));
  end if;
  v_unknown := ${s}.block_jobs(v_ids, p_now);
  if v_unknown is null then return null; end if;
  return (select json_agg(json_build_array(1, '${LINKED.unknown}', id, null, null)) from unnest(v_unknown) as given (id));
end $$;

-- Where a job of the call isn't stored because another has its unique key, those after it run after that. Returns whether a job would
-- so run after itself.
create function ${s}.run_after_those_there(p_ids text[], p_jobs ${s}.linked_job[], p_others json) returns boolean
language plpgsql ${BY_INDEX} as $$
declare
  v_instead record;
  v_changed boolean := false;
begin
  for v_instead in
    select given.id, o.other ->> 2 as there
    from json_array_elements(p_others) as o (other) join unnest(p_jobs) as given on given.place = (o.other ->> 0)::bigint
    where o.other ->> 2 <> given.id
  loop
    update ${s}.jobs set after = array(select distinct unnest(array_replace(after, v_instead.id, v_instead.there)))
      where id = any (p_ids) and v_instead.id = any (after);
    v_changed := v_changed or found;
  end loop;
  return v_changed and exists (
    with recursive before as (
      select j.id as first, given.id from ${s}.jobs as j, unnest(j.after) as given (id) where j.id = any (p_ids)
      union
      select b.first, given.id from before as b join ${s}.jobs as j on j.id = b.id and j.id = any (p_ids), unnest(j.after) as given (id)
    ) select from before where first = id
  );
end $$;
`
