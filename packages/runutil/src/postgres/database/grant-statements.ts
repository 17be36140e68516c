/**
 * What a role needs to use all of runutil in a schema, beside the right to connect: nothing that changes the schema, and
 * to read which migrations were applied, so that it may call `migrate` at its start.
 *
 * @param schema quoted, as the role
 * @param tables quoted; all but `migrations`. Undefined: as one writes it who doesn't know them
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
