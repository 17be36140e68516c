/**
 * The privileges that a role needs to use runutil in a schema, besides CONNECT: none that change the schema, but reading the
 * applied migrations, so that it can call `migrate` at its start.
 *
 * @param schema quoted, like the role
 * @param tables quoted; all but `migrations`. Undefined: for an error message, which doesn't know them
 */
export function grantStatements(schema: string, role: string, tables?: readonly string[]): string[] {
  const all = tables?.map((table) => `${schema}.${table}`).join(', ') ?? `all tables in schema ${schema}`
  return [
    `grant usage on schema ${schema} to ${role}`,
    ...(tables === undefined ? [] : [`grant select on ${schema}.migrations to ${role}`]),
    `grant select, insert, update, delete on ${all} to ${role}`,
    `grant usage, select on all sequences in schema ${schema} to ${role}`,
    `grant execute on all functions in schema ${schema} to ${role}`,
  ]
}
