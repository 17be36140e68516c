import { EventEmitter } from 'node:events'
import { Probe, VirtualClock } from 'runutil/testing'
import { describe, expect, it } from 'vitest'
import { DatabaseClosedError } from '../../packages/runutil/src/postgres/database/errors.ts'
import { Listener } from '../../packages/runutil/src/postgres/database/listener.ts'
import { PgConnection } from '../../packages/runutil/src/postgres/database/pg-connection.ts'
import { StatementLimits } from '../../packages/runutil/src/postgres/database/statement-limits.ts'
import { rejection } from '../support/postgres/rejection.ts'

/** A connection that takes note of what it is told. */
class ScriptedClient extends EventEmitter {
  readonly said: string[] = []
  readonly released: unknown[] = []
  silent = false

  async query({ text }: { text: string }): Promise<{ command: string; rows: [] }> {
    this.said.push(text)
    if (this.silent) await new Promise(() => {})
    return { command: 'LISTEN', rows: [] }
  }

  release(how: unknown): void {
    this.released.push(how)
  }
}

/** A server that can be away. */
class ScriptedServer {
  readonly clock = new VirtualClock()
  readonly attempts: number[] = []
  readonly clients: ScriptedClient[] = []
  away: Error | undefined
  readonly limitsClock = new VirtualClock()
  readonly limits = new StatementLimits(this.limitsClock)
  readonly listener = new Listener({ connect: () => this.#connect(), server: 'here', clock: this.clock })

  get client(): ScriptedClient {
    return this.clients.at(-1)!
  }

  async #connect(): Promise<PgConnection> {
    this.attempts.push(this.clock.elapsed())
    if (this.away !== undefined) throw this.away
    const client = new ScriptedClient()
    this.clients.push(client)
    const { limits, clock } = this
    return new PgConnection({ client, limits, clock, release: (error) => client.release(error) })
  }
}

describe('a Listener', () => {
  it('connects again after 100 ms that double up to 5 s, half of each random, for as long as it takes', async () => {
    const server = new ScriptedServer()
    const heard = new Probe<string>('heard')
    await server.listener.listen('a', (payload) => heard.hit(payload))
    server.away = new Error('away')
    server.client.emit('error', new Error('lost'))
    await server.clock.advance('60s')
    const waits = server.attempts.slice(1).map((at, index) => at - server.attempts[index]!)
    const longest = waits.map((_, index) => Math.min(5_000, 100 * 2 ** index))
    expect(waits.length).toBeGreaterThan(14)
    expect(waits.filter((wait, index) => wait > longest[index]! || wait < longest[index]! / 2)).toEqual([])
    expect(new Set(waits.slice(-4)).size).toBe(4)

    server.away = undefined
    await server.clock.advance('5s')
    expect(heard.values).toEqual([''])
    // The next loss begins from 100 ms again.
    server.client.emit('end')
    await server.clock.advance(100)
    expect(heard.values).toEqual(['', ''])
    await server.listener.close()
  })

  it('leaves no timer, no listener and no connection behind', async () => {
    const server = new ScriptedServer()
    const off = await server.listener.listen('a', () => {})
    await server.listener.listen('b', () => {})
    server.client.emit('error', new Error('lost'))
    server.client.emit('end')
    await server.clock.advance('1s')
    await off()
    server.away = new Error('away')
    server.client.emit('end')
    expect(server.clock.pending).toBe(1)
    await server.listener.close()
    expect(server.clock.pending).toBe(0)
    expect(server.clients.map(({ released }) => released.length)).toEqual([1, 1])
    // What every connection is watched with stays.
    const names = ['notification', 'error', 'end']
    const counts = server.clients.map((client) => names.map((name) => client.listenerCount(name)))
    expect(counts).toEqual([
      [0, 1, 1],
      [0, 1, 1],
    ])
  })

  it('waits for nobody when the first connection fails', async () => {
    const server = new ScriptedServer()
    server.away = new Error('away')
    expect(await rejection(server.listener.listen('a', () => {}))).toBe(server.away)
    expect(server.clock.pending).toBe(0)
  })

  it('tells the server only what has changed, and everything when it connects again', async () => {
    const server = new ScriptedServer()
    const off = await server.listener.listen('a', () => {})
    const offQuoted = await server.listener.listen('b"c', () => {})
    await server.listener.listen('a', () => {})
    server.client.emit('end')
    await server.clock.advance('1s')
    await off()
    await offQuoted()
    await server.listener.close()
    expect(server.clients.map(({ said }) => said)).toEqual([
      ['listen "a"', 'listen "b""c"'],
      ['listen "a";listen "b""c"', 'unlisten "b""c"'],
    ])
  })

  it('asks a connection that says nothing whether it is there, and leaves one that is silent', async () => {
    const server = new ScriptedServer()
    const heard = new Probe<string>('heard')
    await server.listener.listen('a', (payload) => heard.hit(payload))
    await server.clock.advance('35s')
    expect(server.client.said).toEqual(['listen "a"', 'select 1', 'select 1', 'select 1'])
    server.client.silent = true
    await server.clock.advance('5s')
    await server.limitsClock.advance('5s')
    await server.clock.advance('1s')
    expect(server.clients).toHaveLength(2)
    expect(heard.values).toEqual([''])
    await server.listener.close()
  })

  it('gives up when the pool was ended by its owner', async () => {
    const server = new ScriptedServer()
    await server.listener.listen('a', () => {})
    server.away = new DatabaseClosedError()
    server.client.emit('end')
    await server.clock.advance('1s')
    expect(server.clock.pending).toBe(0)
    expect(server.attempts.length).toBe(2)
  })
})
