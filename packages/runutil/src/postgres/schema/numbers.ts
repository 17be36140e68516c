/**
 * Numbers that fence: of claims, leases, attempts, announcements. After a failover to a standby that had not all of it, the
 * sequences begin again where the standby had them, and would give out numbers a second time. So each timeline of the
 * server has numbers of its own; on the first one, as of a server that never failed over, they are just those.
 *
 * 2^40 numbers a timeline, for 2^13 timelines: all are integers that a JS number holds.
 */
export const numbers = (s: string): string => /* sql */ `
-- Where the server can't tell its timeline, as where all machines share one storage, none is lost in a failover.
do $do$
begin
  perform pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn());
  create function ${s}.on_timeline(p_number bigint) returns bigint language sql volatile as $$
    select p_number operator(pg_catalog.+) (1099511627776 operator(pg_catalog.*) ((('x' operator(pg_catalog.||)
      pg_catalog.substr(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 1, 8)
    )::pg_catalog.bit(32)::pg_catalog.int8) operator(pg_catalog.-) 1))
  $$;
exception when feature_not_supported or insufficient_privilege or undefined_function then
  create function ${s}.on_timeline(p_number bigint) returns bigint language sql immutable as 'select p_number';
end $do$;
`
