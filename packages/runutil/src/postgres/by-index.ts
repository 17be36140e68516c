/** Whatever the statistics say: a plan is made once a connection, and tables grow. */
export const BY_INDEX =
  'set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off'
