import { once } from 'node:events'
import pg from 'pg'
import { openDatabase } from 'runutil/postgres'
import { expect, it } from 'vitest'
import { doomedServer } from '../support/postgres/doomed-server.ts'
import { rejection } from '../support/postgres/rejection.ts'

it.each([
  ['its own', (url: string) => url],
  ["the caller's", (url: string) => new pg.Pool({ connectionString: url })],
])(
  'a connection of %s that is ended as soon as it is made rejects, and is nothing to the process',
  async (_, target) => {
    const { url, server } = await doomedServer()
    // An error that nobody listens to would be thrown into the process, and fail this test.
    const error = await rejection(openDatabase(target(url)))
    expect(error).toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
    server.close()
    await once(server, 'close')
  },
)
