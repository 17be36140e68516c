/**
 * Fencing tokens of claims, leases, attempts and worker registrations. After a failover to a standby that lagged behind, its
 * sequences continue at older values and would issue tokens again. So each timeline of the server has its own range; on the
 * first timeline, that of a server that never failed over, they are the plain numbers of the sequence.
 *
 * 2^40 numbers for each of 2^13 timelines: all are safe integers.
 */
export const numbers = (s: string): string => /* sql */ `
-- A server that doesn't expose its timeline, such as one on shared storage, loses nothing in a failover.
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
