import { EventEmitter } from 'node:events'
import { Probe, VirtualClock } from 'runutil/testing'
import { describe, expect, it } from 'vitest'
import { DatabaseClosedError } from '../../packages/runutil/src/postgres/database/errors.ts'
import { Listener } from '../../packages/runutil/src/postgres/database/listener.ts'
import type { PgClient } from '../../packages/runutil/src/postgres/database/pg-pool.ts'
import { rejection } from '../support/postgres/rejection.ts'

/** A connection that takes note of what it is told. */
class ScriptedClient extends EventEmitter {
  readonly said: string[] = []
  readonly released: unknown[] = []

  async query({ text }: { text: string }): Promise<{ command: string; rows: [] }> {
    this.said.push(text)
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
  readonly listener = new Listener({ connect: () => this.#connect(), server: 'here', clock: this.clock })

  get client(): ScriptedClient {
    return this.clients.at(-1)!
  }

  async #connect(): Promise<PgClient> {
    this.attempts.push(this.clock.elapsed())
    if (this.away !== undefined) throw this.away
    this.clients.push(new ScriptedClient())
    return this.client
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
    expect(server.clients.map(({ released }) => released)).toEqual([[true], [true]])
    expect(server.clients.flatMap((client) => client.eventNames())).toEqual([])
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
