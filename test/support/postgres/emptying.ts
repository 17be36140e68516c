/**
 * Empties all tables of a schema of runutil's, and has its numbers begin at 1 again. It deletes: after a `truncate` each connection plans
 * all statements again, which takes most of a short test's time.
 */
export function emptying(schema: string): string {
  const name = `'${schema.replaceAll("'", "''")}'`
  return /* sql */ `do $$
declare
  v_name text;
begin
  for v_name in select format('%I.%I', schemaname, tablename) from pg_tables
      where schemaname = ${name} and tablename <> 'migrations' loop
    execute 'delete from ' || v_name;
  end loop;
  perform setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false)
  from pg_sequences where schemaname = ${name};
end $$`
}
