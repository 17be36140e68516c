import pg from 'pg'
import { expect, inject, it } from 'vitest'
import { PoolClients } from '../../packages/runutil/src/postgres/database/pool-clients.ts'
import { TcpProxy } from '../support/postgres/tcp-proxy.ts'

it('ends the connection that a pool is still opening, whose server says nothing', async () => {
  const proxy = await TcpProxy.start(inject('postgresUrl'))
  proxy.silence({ andNew: true })
  const pool = new pg.Pool({ connectionString: proxy.urlOf(inject('postgresUrl')) })
  const clients = new PoolClients(pool)
  const connecting = pool.connect()
  const failed = expect(connecting).rejects.toThrow('closed')
  await proxy.connected.times(1)
  clients.destroyAll(new Error('closed'))
  await failed
  await pool.end()
  await proxy.stop()
})
