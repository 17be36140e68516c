import type { Database } from 'runutil/postgres'

/** A database, and the texts of the statements that were sent to it. */
export function countedStatements(database: Database): { database: Database; sent: string[] } {
  const sent: string[] = []
  const query: Database['query'] = (statement, ...rest) => {
    sent.push(statement.text)
    return database.query(statement, ...rest)
  }
  const counted = new Proxy(database, {
    get(target, key) {
      if (key === 'query') return query
      const value: unknown = Reflect.get(target, key, target)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
  return { database: counted, sent }
}
