import { unexpected } from '../../core/errors.ts'
import { SchemaTooNewError } from '../database/errors.ts'
import { EQ, GT, TEXT } from '../database/qualified.ts'
import { quotedSchema } from './schema-name.ts'

/** Queries rows, each an array of its columns. */
export type Ask = (text: string, params: unknown[]) => Promise<unknown[][]>

/** The migrations applied to a schema. */
export interface Applied {
  /** By the migration's number; undefined where it was applied before checksums existed. */
  readonly checksums: ReadonlyMap<number, string | undefined>
  /** The newest migration that code must know to work with the schema. */
  readonly needs: number
}

/** @throws InvalidArgumentError for a schema with a table of that name that isn't runutil's */
export async function appliedTo(ask: Ask, schema: string): Promise<Applied> {
  const [isThere, isOurs] = await tableOf(ask, schema)
  if (!isThere) return { checksums: new Map(), needs: 0 }
  if (!isOurs)
    throw unexpected('schema', 'a schema of its own', schema, `; its table migrations isn't runutil's`)
  // By name: a pre-release's table lacks some columns.
  const column = (name: string): string =>
    /* sql */ `pg_catalog.to_json(m) operator(pg_catalog.->>) '${name}' as ${name}`
  const rows = (await ask(
    /* sql */ `select m.number, ${column('checksum')}, ${column('needs')} from ${quotedSchema(schema)}.migrations as m`,
    [],
  )) as [number, string | null, string | null][]
  return {
    checksums: new Map(rows.map(([number, checksum]) => [Number(number), checksum ?? undefined])),
    needs: Math.max(0, ...rows.map(([number, , needs]) => Number(needs ?? number - 1))),
  }
}

/** The error when code whose newest migration is `known` can't work with the schema. */
export function tooNew(
  schema: string,
  { checksums, needs }: Applied,
  known: number,
): SchemaTooNewError | undefined {
  return needs > known ? new SchemaTooNewError(schema, Math.max(...checksums.keys()), known) : undefined
}

/** Whether the table `migrations` exists, and whether it is runutil's. */
export async function tableOf(ask: Ask, schema: string): Promise<readonly [boolean, boolean]> {
  const [row] = await ask(TABLE, [schema])
  return row as [boolean, boolean]
}

/** From the catalog, which any role can read; a lack of privileges is reported later. */
const TABLE = /* sql */ `select pg_catalog.count(*) ${GT} 0 as is_there,
    pg_catalog.count(*) filter (where a.attname ${EQ} 'number') ${GT} 0 as is_ours
  from pg_catalog.pg_attribute as a join pg_catalog.pg_class as c on c.oid ${EQ} a.attrelid
    join pg_catalog.pg_namespace as n on n.oid ${EQ} c.relnamespace
  where n.nspname ${EQ} $1::${TEXT} and c.relname ${EQ} 'migrations' and a.attnum ${GT} 0 and not a.attisdropped`
