import { BY_INDEX } from '../plan-settings.ts'

/** Retention. Attempts are read in the order in which they began, which needs no further index. */
export const pruning = (s: string): string => /* sql */ `
-- Prunes the next p_limit attempts after p_after. p_next is where to continue, or null when later ones are too young.
create function ${s}.prune_work(
  p_namespace bigint, p_retention float8, p_after bigint, p_limit integer, p_now float8,
  out p_removed float8, out p_next bigint
) language plpgsql ${BY_INDEX} as $$
declare
  v_now timestamptz := ${s}.store_time(p_now);
  v_until timestamptz := v_now - p_retention * interval '1 ms';
  v_ended bigint[];
  v_units bigint[];
begin
  perform from ${s}.work_namespaces where id = p_namespace;
  if not found then return; end if;
  select case when count(*) = p_limit and min(start_time) <= v_until then max(id) end,
      coalesce(array_agg(id) filter (where coalesce(end_time, expiration_time) <= v_until), '{}')
    into p_next, v_ended
    from (select * from ${s}.work_attempts where id > p_after order by id limit p_limit) as seen;
  select coalesce(array_agg(id), '{}') into v_units from (
    select u.id from ${s}.work_attempts as a join ${s}.work_units as u on u.id = a.unit and u.active = a.id
    join ${s}.work_specs as s on s.id = u.spec
    where a.id = any (v_ended) and u.state = 'closed' and s.namespace = p_namespace for update of u skip locked
  ) as ended;
  delete from ${s}.work_units where id = any (v_units);
  delete from ${s}.work_attempts where id in (
    select a.id from ${s}.work_attempts as a join ${s}.work_units as u on u.id = a.unit and u.active is distinct from a.id
    join ${s}.work_specs as s on s.id = u.spec
    where a.id = any (v_ended) and s.namespace = p_namespace
      and exists (select from ${s}.work_attempts as later where later.unit = a.unit and later.id > a.id)
  );
  p_removed := cardinality(v_units);
end $$;
`
