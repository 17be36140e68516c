import type { TestProject } from 'vitest/node'
import { buildIfStale } from '../../packages/runutil/build.ts'
import { PostgresServer } from './postgres/server.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Of the server that all test files share. */
    postgresUrl: string
  }
}

/**
 * Toolchain, package and subprocess tests use the package as it is published, database tests one server: the one that
 * TEST_DATABASE_URL names, to try another version, else one of its own.
 *
 * @returns ends the server
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env['TEST_DATABASE_URL']
  const [{ complaints }, server] = await Promise.all([
    buildIfStale(),
    given === undefined ? PostgresServer.start() : { url: given, stop: async () => {} },
  ])
  // Not a failed run: all other tests run from the sources, and `types` reports the same.
  if (complaints !== '') console.warn(complaints)
  project.provide('postgresUrl', server.url)
  return () => server.stop()
}
