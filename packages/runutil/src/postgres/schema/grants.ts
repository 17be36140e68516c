import { InvalidArgumentError, unexpected } from '../../core/errors.ts'
import { EQ, TEXT } from '../database/qualified.ts'
import { quotedName } from '../database/quoted-name.ts'
import type { Ask } from './applied.ts'

/** The names of the roles, checked. @throws InvalidArgumentError */
export function rolesOf(grantTo: string | readonly string[] | undefined): readonly string[] {
  if (grantTo === undefined) return []
  const roles: unknown = typeof grantTo === 'string' ? [grantTo] : grantTo
  if (!Array.isArray(roles)) throw unexpected('migrate: grantTo', 'the name of a role, or several', grantTo)
  for (const role of roles as string[]) quotedName(role, 'migrate: grantTo')
  return roles as string[]
}

/**
 * The roles that lack any of these privileges.
 *
 * @throws InvalidArgumentError for a role that doesn't exist
 */
export async function rolesWithoutGrants(
  ask: Ask,
  schema: string,
  roles: readonly string[],
): Promise<readonly string[]> {
  const lacking: string[] = []
  for (const role of roles) {
    const [row] = await ask(GRANTED, [role, schema])
    if (row === undefined) {
      const create = `create it first: create role ${quotedName(role, 'role')} login password '…'`
      throw new InvalidArgumentError(
        `migrate: grantTo: expected a role of this database; got '${role}', which doesn't exist; ${create}`,
      )
    }
    if (row[0] !== true) lacking.push(role)
  }
  return lacking
}

const RIGHTS = ['select', 'insert', 'update', 'delete']

/** Whether a role, by name, has all privileges in a schema, by name; no row when there is no such role. */
const GRANTED = /* sql */ `select pg_catalog.has_schema_privilege(r.oid, n.oid, 'usage') and not exists (
    select from pg_catalog.pg_class as c where c.relnamespace ${EQ} n.oid and case
      when c.relkind ${EQ} 'S' then not pg_catalog.has_sequence_privilege(r.oid, c.oid, 'usage')
      when c.relkind operator(pg_catalog.<>) all ('{r,p}') then false
      when c.relname ${EQ} 'migrations' then not pg_catalog.has_table_privilege(r.oid, c.oid, 'select')
      else not (${RIGHTS.map((right) => /* sql */ `pg_catalog.has_table_privilege(r.oid, c.oid, '${right}')`).join(' and ')})
    end
  ) and not exists (
    select from pg_catalog.pg_proc as p
    where p.pronamespace ${EQ} n.oid and not pg_catalog.has_function_privilege(r.oid, p.oid, 'execute')
  ) from pg_catalog.pg_roles as r left join pg_catalog.pg_namespace as n on n.nspname ${EQ} $2::${TEXT}
  where r.rolname ${EQ} $1::${TEXT}`

/** The tables of a schema except `migrations`, quoted. */
export async function tablesOf(ask: Ask, schema: string): Promise<readonly string[]> {
  const rows = await ask(
    /* sql */ `select pg_catalog.quote_ident(c.relname) from pg_catalog.pg_class as c
      join pg_catalog.pg_namespace as n on n.oid ${EQ} c.relnamespace
      where n.nspname ${EQ} $1::${TEXT} and c.relkind ${EQ} any ('{r,p}') and c.relname operator(pg_catalog.<>) 'migrations' order by 1`,
    [schema],
  )
  return rows.map(([name]) => name as string)
}
