import assert from 'node:assert/strict'
import type { ReplicaBeat, ReplicaStore } from '../ops/replicas/replica-store.ts'

/** What a case of `replicaStoreConformance` is given. */
export interface ReplicaStoreContext {
  /** An empty store. */
  readonly replicas: ReplicaStore
  /** Advances the store's time by `ms`. */
  readonly pass: (ms: number) => Promise<void>
}

/** Sentences, and the functions that check them. */
export type ReplicaStoreCases = Record<string, (context: ReplicaStoreContext) => Promise<void>>

const MINUTE = 60_000
const STATE = { workers: { '/Mail': { state: 'ready', note: 'a\0b half \ud800 "ü" \\u0000' } }, count: 1.5 }
const STOP = { verb: 'stop', path: '/Mail' }
const DONE = { status: 200, body: { path: '/Mail', state: 'stopped' } }

/**
 * The contract of every ReplicaStore as test cases, for any test runner: a case rejects if the store breaks it.
 *
 * @example
 * for (const [sentence, check] of Object.entries(replicaStoreConformance)) {
 *   test(sentence, () => {
 *     const clock = new VirtualClock()
 *     return check({ replicas: new MemoryReplicaStore({ clock }), pass: (ms) => clock.advance(ms) })
 *   })
 * }
 */
export const replicaStoreConformance: ReplicaStoreCases = {
  'a process that tells that it lives is listed with what it told of itself': async ({ replicas }) => {
    await replicas.beat(of('a'))
    const [one, ...others] = await replicas.list()
    assert.deepEqual(others, [])
    const { ageMs, ...facts } = one!
    const { state, ...told } = of('a')
    assert.deepEqual(facts, { ...told, lost: false })
    assert.ok(ageMs >= 0 && ageMs < 10_000, `its age is ${ageMs} ms`)
    assert.deepEqual((await replicas.state('a'))?.state, state)
  },

  'processes are listed by their start, the oldest first': async ({ replicas }) => {
    const startedAt = (day: number): Date => new Date(Date.UTC(2030, 0, day))
    await replicas.beat({ ...of('b'), startedAt: startedAt(2) })
    await replicas.beat({ ...of('c'), startedAt: startedAt(3) })
    await replicas.beat({ ...of('a'), startedAt: startedAt(1) })
    await replicas.beat({ ...of('b'), startedAt: startedAt(2) })
    assert.deepEqual(await idsIn(replicas), ['a', 'b', 'c'])
  },

  'each beat replaces what the process told before': async ({ replicas, pass }) => {
    await replicas.beat(of('a'))
    await pass(10_000)
    assert.ok((await replicas.state('a'))!.ageMs >= 10_000)
    await replicas.beat({ ...of('a'), state: { workers: {} } })
    const known = await replicas.state('a')
    assert.deepEqual(known?.state, { workers: {} })
    assert.ok(known.ageMs < 10_000)
  },

  'texts of any kind are kept, or shown as near as the store can': async ({ replicas }) => {
    await replicas.beat({ ...of('a'), name: 'nul \0 half \ud800', host: 'zürich' })
    const [one] = await replicas.list()
    assert.match(one!.name, /^nul .* half .$/)
    assert.equal(one!.host, 'zürich')
    await replicas.send({ id: '1', replica: 'a', command: STATE, by: 'Zoë \0' })
    const [command] = await replicas.beat(of('a'))
    assert.deepEqual(command!.command, STATE)
    assert.match(command!.by, /^Zoë /)
  },

  'a process that leaves is gone at once': async ({ replicas }) => {
    await replicas.beat(of('a'))
    await replicas.beat(of('b'))
    await replicas.leave('a')
    await replicas.leave('a')
    assert.deepEqual(await idsIn(replicas), ['b'])
    assert.equal(await replicas.state('a'), undefined)
  },

  'a process is lost 15 s after it last told that it lives, and found when it does so again': async ({
    replicas,
    pass,
  }) => {
    const isLost = async (): Promise<unknown> => (await replicas.list())[0]?.lost
    await replicas.beat(of('a'))
    await pass(10_000)
    await replicas.beat(of('a'))
    await pass(10_000)
    assert.equal(await isLost(), false)
    await pass(5_001)
    assert.equal(await isLost(), true)
    await replicas.beat(of('a'))
    assert.equal(await isLost(), false)
  },

  'a lost process is removed after an hour': async ({ replicas, pass }) => {
    await replicas.beat(of('a'))
    await pass(59 * MINUTE)
    await replicas.beat(of('b'))
    assert.deepEqual(await idsIn(replicas), ['a', 'b'])
    await pass(MINUTE + 1)
    assert.deepEqual(await idsIn(replicas), ['b'])
    assert.equal(await replicas.state('a'), undefined)
    await replicas.beat(of('b'))
    assert.equal(await send(replicas, '1', 'a'), false)
  },

  'a command comes with the next beat of its process, and with no other': async ({ replicas }) => {
    await replicas.beat(of('a'))
    await replicas.beat(of('b'))
    assert.equal(await send(replicas, '1', 'a'), true)
    assert.deepEqual(await replicas.beat(of('b')), [])
    assert.equal(await replicas.outcome('1'), 'open')
    assert.deepEqual(await replicas.beat(of('a')), [{ id: '1', command: STOP, by: 'ada' }])
    assert.equal(await replicas.outcome('1'), 'open')
    await replicas.settle('1', DONE)
    assert.deepEqual(await replicas.outcome('1'), DONE)
    assert.deepEqual(await replicas.beat(of('a')), [])
  },

  'commands come in the order in which they were sent': async ({ replicas, pass }) => {
    await replicas.beat(of('a'))
    for (const id of ['9', '1', '5']) {
      await send(replicas, id, 'a')
      await pass(10)
    }
    assert.deepEqual(await commandsOf(replicas, 'a'), ['9', '1', '5'])
  },

  'a command comes again until it is settled, since an answer may be lost': async ({ replicas, pass }) => {
    await replicas.beat(of('a'))
    await send(replicas, '1', 'a')
    await send(replicas, '2', 'a')
    assert.deepEqual((await commandsOf(replicas, 'a')).sort(), ['1', '2'])
    await pass(5_000)
    await replicas.settle('2', DONE)
    assert.deepEqual(await commandsOf(replicas, 'a'), ['1'])
  },

  'a command that is sent twice is one': async ({ replicas }) => {
    await replicas.beat(of('a'))
    assert.equal(await send(replicas, '1', 'a'), true)
    assert.equal(await send(replicas, '1', 'a'), true)
    assert.deepEqual(await commandsOf(replicas, 'a'), ['1'])
    await replicas.settle('1', DONE)
    assert.equal(await send(replicas, '1', 'a'), true)
    assert.deepEqual(await commandsOf(replicas, 'a'), [])
  },

  'a command for a process that is not known is refused': async ({ replicas }) => {
    assert.equal(await send(replicas, '1', 'a'), false)
    await replicas.beat(of('a'))
    await replicas.leave('a')
    assert.equal(await send(replicas, '2', 'a'), false)
    await replicas.beat(of('a'))
    assert.deepEqual(await commandsOf(replicas, 'a'), [])
    assert.equal(await replicas.outcome('1'), 'void')
  },

  'a command that is not taken within 30 s is void, and never given out': async ({ replicas, pass }) => {
    await replicas.beat(of('a'))
    await send(replicas, '1', 'a')
    await pass(15_000)
    assert.equal(await replicas.outcome('1'), 'open')
    await pass(15_000)
    assert.equal(await replicas.outcome('1'), 'void')
    assert.deepEqual(await commandsOf(replicas, 'a'), [])
    assert.equal(await replicas.outcome('1'), 'void')
  },

  'a command that was taken stays open while its process lives, and is not given out any more after 30 s':
    async ({ replicas, pass }) => {
      await replicas.beat(of('a'))
      await send(replicas, '1', 'a')
      for (let s = 0; s < 35; s += 5) {
        await replicas.beat(of('a'))
        await pass(5_000)
      }
      assert.deepEqual(await commandsOf(replicas, 'a'), [])
      assert.equal(await replicas.outcome('1'), 'open')
      await replicas.settle('1', DONE)
      assert.deepEqual(await replicas.outcome('1'), DONE)
    },

  'a command whose process left before it took it is void': async ({ replicas }) => {
    await replicas.beat(of('a'))
    await send(replicas, '1', 'a')
    await replicas.leave('a')
    assert.equal(await replicas.outcome('1'), 'void')
  },

  'a command whose process left, or is lost, after it took it is lost, unless it is settled late': async ({
    replicas,
    pass,
  }) => {
    for (const id of ['a', 'b']) {
      await replicas.beat(of(id))
      await send(replicas, id, id)
      await replicas.beat(of(id))
    }
    await replicas.leave('a')
    assert.equal(await replicas.outcome('a'), 'lost')
    assert.equal(await replicas.outcome('b'), 'open')
    await pass(15_001)
    assert.equal(await replicas.outcome('b'), 'lost')
    for (const id of ['a', 'b']) {
      await replicas.settle(id, DONE)
      assert.deepEqual(await replicas.outcome(id), DONE)
    }
  },

  'only the first outcome of a command counts': async ({ replicas }) => {
    await replicas.beat(of('a'))
    await send(replicas, '1', 'a')
    await replicas.settle('1', DONE)
    await replicas.settle('1', { status: 409, body: {} })
    assert.deepEqual(await replicas.outcome('1'), DONE)
    await replicas.settle('unknown', DONE)
    assert.equal(await replicas.outcome('unknown'), 'void')
  },

  'commands are removed after an hour': async ({ replicas, pass }) => {
    await replicas.beat(of('a'))
    await send(replicas, '1', 'a')
    await replicas.settle('1', DONE)
    await pass(59 * MINUTE)
    await replicas.beat(of('a'))
    assert.deepEqual(await replicas.outcome('1'), DONE)
    await pass(MINUTE + 1)
    await replicas.beat(of('a'))
    assert.equal(await replicas.outcome('1'), 'void')
  },

  'any number of processes may beat, send and settle at once': async ({ replicas }) => {
    const ids = Array.from({ length: 10 }, (_, at) => `r${at}`)
    await Promise.all(ids.map((id) => replicas.beat(of(id))))
    const sent = ids.flatMap((id) => ids.map((to) => ({ id: `${id}-${to}`, to })))
    const givenOut = async (id: string): Promise<string[]> => {
      const own = sent.filter(({ to }) => to === id)
      await Promise.all(own.map(({ id: command }) => send(replicas, command, id)))
      return commandsOf(replicas, id)
    }
    const taken = await Promise.all(ids.map(givenOut))
    assert.deepEqual(taken.flat().sort(), sent.map(({ id }) => id).sort())
  },

  'a listener stops hearing of commands when it is taken off': async ({ replicas }) => {
    await replicas.beat(of('a'))
    let calls = 0
    const off = await replicas.onCommand('a', () => calls++)
    await off()
    await send(replicas, '1', 'a')
    await replicas.beat(of('a'))
    assert.equal(calls, 0)
  },
}

function of(id: string): ReplicaBeat {
  const startedAt = new Date(Date.UTC(2030, 0, 1, 12, 0, 0, 125))
  return { id, name: `worker ${id}`, host: 'ada', pid: 4_242, version: '1.2.3', startedAt, state: STATE }
}

function send(replicas: ReplicaStore, id: string, replica: string): Promise<boolean> {
  return replicas.send({ id, replica, command: STOP, by: 'ada' })
}

async function commandsOf(replicas: ReplicaStore, id: string): Promise<string[]> {
  return (await replicas.beat(of(id))).map((command) => command.id)
}

async function idsIn(replicas: ReplicaStore): Promise<string[]> {
  return (await replicas.list()).map(({ id }) => id)
}
