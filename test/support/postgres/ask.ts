import pg from 'pg'

/** One statement on a connection of its own. */
export async function ask(url: string, text: string, params: unknown[] = []): Promise<unknown[]> {
  const client = new pg.Client(url)
  await client.connect()
  try {
    return (await client.query(text, params)).rows as unknown[]
  } finally {
    await client.end()
  }
}
