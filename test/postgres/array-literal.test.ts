import fc from 'fast-check'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { jsonArray, textArray } from '../../packages/runutil/src/postgres/statements/array-literal.ts'
import { type FreshDatabase, freshDatabase } from '../support/postgres/databases.ts'

let fresh: FreshDatabase
let client: pg.Client
beforeAll(async () => {
  fresh = await freshDatabase()
  client = new pg.Client(fresh.url)
  await client.connect()
})
afterAll(async () => {
  await client.end()
  await fresh.drop()
})

async function read(literal: string): Promise<(string | null)[]> {
  const { rows } = await client.query<{ read: (string | null)[] }>('select $1::text::text[] as read', [
    literal,
  ])
  return rows[0]!.read
}

const letters = fc.constantFrom(
  '"',
  '\\',
  'n',
  '\n',
  '\t',
  '\b',
  '{',
  '}',
  ',',
  ' ',
  'NULL',
  '\u2028',
  'é',
  '𝄞',
  "'",
)
const texts = fc.array(fc.option(fc.string({ unit: letters }), { nil: undefined }))

describe('PostgreSQL reads an array', () => {
  it('of any texts as they are', async () => {
    await fc.assert(
      fc.asyncProperty(texts, async (values) => {
        expect(await read(textArray(values))).toEqual(values.map((value) => value ?? null))
      }),
    )
  })

  it('of JSON texts as they are', async () => {
    await fc.assert(
      fc.asyncProperty(texts, async (values) => {
        const json = values.map((value) => (value === undefined ? undefined : JSON.stringify({ value })))
        expect(await read(jsonArray(json))).toEqual(json.map((value) => value ?? null))
      }),
    )
  })
})
