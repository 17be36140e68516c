import { MOST_LOOKED_AT } from '../../../dispatch/action-ledger.ts'
import { BY_INDEX } from '../plan-settings.ts'

/** A page of records ends with the one that brings it to so many bytes, as they are stored. */
const MOST_BYTES = 2 ** 20
/** Those with an index of their own: a condition of a partial index has to be in the text of a statement. */
const FEW = ['running', 'failed'] as const

/** Actions by their order of creation, the last first. */
export const listing = (s: string): string => /* sql */ `
-- Looks at the ${MOST_LOOKED_AT} actions before p_after, at most: for how many, see looked_at. Returns the ids of those that it has
-- looked at, up to the last of p_limit records, with the record of each that has all of p_host, p_target and p_status.
create function ${s}.newest_actions(
  p_operation text, p_status text, p_host text, p_target text, p_after text, p_limit integer
) returns table (id text, record json, looked_at integer) language plpgsql stable ${BY_INDEX} as $$
declare
  v_before bigint := ${2n ** 63n - 1n};
begin
  if p_after is not null then
    select a.seq into v_before from ${s}.actions as a where a.id = p_after;
    if not found then return; end if;
  end if;
  ${FEW.map(
    (status) => `if p_status = '${status}' then
${page(s, `a.status = '${status}'`)}
  els`,
  ).join('')}e
${page(s, 'true')}
  end if;
end $$;
`

const page = (s: string, condition: string): string => /* sql */ `
    return query select w.id, case when w.is_found then w.record end, w.looked_at from (
      select a.id, a.seq, a.record, a.is_found, (count(*) over ())::integer as looked_at,
        count(*) filter (where a.is_found) over before as found,
        sum(pg_column_size(a.record)) filter (where a.is_found) over before as bytes
      from (
        select a.id, a.seq, a.record, (p_status is null or a.status = p_status) and (p_host is null or a.host = p_host)
          and (p_target is null or a.target = p_target) as is_found
        from ${s}.actions as a where a.operation = p_operation and a.seq < v_before and ${condition}
        order by a.seq desc limit ${MOST_LOOKED_AT}
      ) as a
      window before as (order by a.seq desc rows between unbounded preceding and 1 preceding)
    ) as w
    where coalesce(w.found, 0) < p_limit and coalesce(w.bytes, 0) < ${MOST_BYTES} order by w.seq desc;`
