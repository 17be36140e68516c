import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { ask } from './ask.ts'

/** On the server of `url`. @returns the new database's url */
export async function createDatabase(
  url: string,
  name = `test_${randomUUID().replaceAll('-', '')}`,
): Promise<string> {
  await ask(url, `create database ${pg.escapeIdentifier(name)} template template0`)
  const its = new URL(url)
  its.pathname = encodeURIComponent(name)
  return its.href
}

/** Drops the database of a url, whoever uses it. */
export async function dropDatabase(url: string): Promise<void> {
  const admin = new URL(url)
  const name = decodeURIComponent(admin.pathname.slice(1))
  admin.pathname = 'postgres'
  await ask(admin.href, `drop database if exists ${pg.escapeIdentifier(name)} with (force)`)
}
