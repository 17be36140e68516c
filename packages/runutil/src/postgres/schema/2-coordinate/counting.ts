import { MOST_COUNTED } from '../../../coordinate/coordinate-store.ts'
import { BY_INDEX } from '../plan-settings.ts'

/**
 * Counts the units that have not ended from the indexes of their states, which hold no others: no more than MOST_COUNTED of a spec and
 * state. Only those that are delayed have no index by spec, and no more than so many of all specs are read; of more, p_delayed is null.
 *
 * As `unit_status`: a lease that has expired makes a unit available, and so does the time until which it was delayed.
 */
export const counting = (s: string): string => /* sql */ `
create function ${s}.open_units(p_now timestamptz)
returns table (namespace text, name text, p_available float8, p_pending float8, p_delayed float8)
language sql stable ${BY_INDEX} as $$
  with later as materialized (
    select spec, not_before > p_now as is_delayed from ${s}.work_units
      where state = 'delayed' order by not_before limit ${MOST_COUNTED}
  ), delays as (
    select spec, count(*) filter (where is_delayed) as delayed, count(*) filter (where not is_delayed) as due
      from later group by spec
  )
  select n.name, s.name,
    least(${MOST_COUNTED}, ${counted(s, `state = 'open'`)} + ${counted(s, `state = 'pending' and expires <= p_now`)}
      + coalesce(d.due, 0)),
    ${counted(s, `state = 'pending' and expires > p_now`)},
    case when (select count(*) from later) < ${MOST_COUNTED} then coalesce(d.delayed, 0) end
  from ${s}.work_namespaces as n join ${s}.work_specs as s on s.namespace = n.id left join delays as d on d.spec = s.id
  order by n.name, s.name
$$;
`

/** How many units of the spec there are in a state. @param condition one of a partial index */
function counted(s: string, condition: string): string {
  return /* sql */ `(select count(*) from (select from ${s}.work_units
      where spec = s.id and ${condition} limit ${MOST_COUNTED}) as found)`
}
