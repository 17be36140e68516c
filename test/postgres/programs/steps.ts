import type { Migration } from '../../../packages/runutil/src/postgres/schema/migration.ts'

/** Steps that fail when one is taken twice. */
export const steps: readonly Migration[] = [
  {
    number: 1,
    name: 'things',
    sql: (schema) => `create table ${schema}.things (n int); insert into ${schema}.things values (21)`,
  },
  {
    number: 2,
    name: 'twice',
    sql: (schema) => `create function ${schema}.twice(n int) returns int language plpgsql as $$
      begin
        return n * 2;
      end $$`,
  },
  { number: 3, name: 'names', sql: (schema) => `alter table ${schema}.things add name text default 'new'` },
]
