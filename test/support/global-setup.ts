import type { TestProject } from 'vitest/node'
import { buildIfStale } from '../../packages/runutil/build.ts'
import { compileWorkspace } from './compiled.ts'
import { PostgresServer } from './postgres/server.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** The server that all test files share. */
    postgresUrl: string
  }
}

/** What loses power is a server of the test's own: this one waits for no disk. */
const NOT_DURABLE = { fsync: 'off', full_page_writes: 'off' }

/**
 * Toolchain, package and subprocess tests use the built package, other programs the compiled sources. Database tests share one server: that of
 * TEST_DATABASE_URL, to test another version, or else a new one.
 *
 * @returns stops the server
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env['TEST_DATABASE_URL']
  const [{ complaints }, , server] = await Promise.all([
    buildIfStale(),
    compileWorkspace(),
    given === undefined
      ? PostgresServer.start({ settings: NOT_DURABLE })
      : { url: given, stop: async () => {} },
  ])
  // This does not fail the run: all other tests use the sources, and `types` reports the same.
  if (complaints !== '') console.warn(complaints)
  project.provide('postgresUrl', server.url)
  return () => server.stop()
}
