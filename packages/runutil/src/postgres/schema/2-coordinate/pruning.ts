import { BY_INDEX } from '../plan-settings.ts'

/** Retention. What is old enough is found by its spec and end, however much there is that isn't. */
export const pruning = (s: string): string => /* sql */ `
-- Prunes up to p_limit units and as many past attempts, from the spec p_after on. p_next is where to continue; null at the end.
create function ${s}.prune_work(
  p_namespace bigint, p_retention float8, p_after bigint, p_limit integer, p_now float8,
  out p_removed float8, out p_next bigint
) language plpgsql ${BY_INDEX} as $$
declare
  v_until timestamptz := ${s}.store_time(p_now) - p_retention * interval '1 ms';
  v_units bigint[];
  v_spec bigint;
  v_pruned float8;
begin
  perform from ${s}.work_namespaces where id = p_namespace;
  if not found then return; end if;
  select coalesce(array_agg(id), '{}'), case when count(*) = p_limit then max(spec) end into v_units, p_next from (
    select u.id, u.spec from ${s}.work_specs as s join ${s}.work_units as u on u.spec = s.id
    where s.namespace = p_namespace and s.id >= p_after and u.state = 'closed' and u.end_time <= v_until
    order by s.id limit p_limit for update of u skip locked
  ) as ended;
  delete from ${s}.work_units where id = any (v_units);
  p_removed := cardinality(v_units);
  -- Of a unit that stays, not the last attempt.
  with pruned as (
    delete from ${s}.work_past_attempts as p using (
      select a.unit, a.id from ${s}.work_specs as s join ${s}.work_past_attempts as a on a.spec = s.id
      where s.namespace = p_namespace and s.id >= p_after and coalesce(a.end_time, a.expiration_time) <= v_until
        and (exists (select from ${s}.work_past_attempts as later where later.unit = a.unit and later.id > a.id)
          or exists (select from ${s}.work_units as u where u.id = a.unit and u.active is not null))
      order by s.id limit p_limit
    ) as old where p.unit = old.unit and p.id = old.id returning p.spec
  ) select max(spec), count(*) into v_spec, v_pruned from pruned;
  if v_pruned = p_limit then p_next := least(p_next, v_spec); end if;
end $$;
`
