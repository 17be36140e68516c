import { PostgresReplicaStore } from 'runutil/postgres'
import { type ExpectStatic, afterAll, beforeAll, test } from 'vitest'
import { createControl } from '../../packages/runutil/src/ops/control/create-control.ts'
import type { Control } from '../../packages/runutil/src/ops/control/control.ts'
import { Child } from '../support/child.ts'
import { ada } from '../support/ops/controlled-run.ts'
import { serverDatabase } from '../support/postgres/migrated-database.ts'
import { TcpProxy } from '../support/postgres/tcp-proxy.ts'

let store: PostgresReplicaStore
/** That of a process which looks on at the others. */
let control: Control
const children: Child[] = []

const fresh = serverDatabase(beforeAll)
beforeAll(() => {
  store = new PostgresReplicaStore(fresh.database)
  control = createControl({ runtime: () => undefined, replicas: { id: 'watcher', store } })
})
afterAll(() => {
  for (const child of children) child.kill('SIGKILL')
})

const started = (name: string, url = fresh.url): Child => {
  const child = new Child('ops/programs/replica-process', url, name)
  children.push(child)
  return child
}
const named = async (name: string) => (await store.list()).find((one) => one.name === name)
const idOf = async (expect: ExpectStatic, name: string): Promise<string> => {
  await expect.poll(() => named(name)).toBeDefined()
  return (await named(name))!.id
}
const times = ({ printedLines }: Child, line: string): number =>
  printedLines.filter((one) => one === line).length

test.concurrent('processes see each other, and do what one asks of another, once', async ({ expect }) => {
  const one = started('one')
  const two = started('two')
  const [idOne, idTwo] = await Promise.all([idOf(expect, 'one'), idOf(expect, 'two')])
  expect((await store.state(idOne))?.state).toMatchObject({
    replica: idOne,
    workers: { '/Tick': { kind: 'repeat' }, '/Hang': {}, '/Replica': { kind: 'replica' } },
  })
  const answers = await Promise.all([
    control.worker('/Tick', 'trigger', ada, idOne),
    control.worker('/Tick', 'trigger', ada, idTwo),
    control.worker('/Hang', 'pause', ada, idTwo),
  ])
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
  // Further beats give the commands out no more.
  const beats = async (): Promise<unknown[]> =>
    fresh.database.query({ text: 'select seen from runutil.replicas order by id' })
  const before = await beats()
  await expect.poll(beats).not.toEqual(before)
  expect([times(one, 'one ran'), times(two, 'two ran')]).toEqual([1, 1])
  await expect(control.worker('/Tock', 'trigger', ada, idOne)).rejects.toMatchObject({ status: 404 })

  one.kill('SIGTERM')
  expect((await one.exit).lines).toContain('one has ended')
  expect(await named('one')).toBeUndefined()
  await expect(control.worker('/Tick', 'trigger', ada, idOne)).rejects.toMatchObject({ status: 404 })
  two.kill('SIGTERM')
  await two.exit
})

test.concurrent(
  'a killed process is lost within 15 s, and so are the commands that it did not end',
  async ({ expect }) => {
    const child = started('mortal')
    const id = await idOf(expect, 'mortal')
    const hanging = control.worker('/Hang', 'trigger', ada, id)
    hanging.catch(() => {})
    await child.printed('mortal hangs')
    child.kill('SIGKILL')
    await child.exit
    const late = control.worker('/Tick', 'trigger', ada, id)
    expect((await named('mortal'))!.lost).toBe(false)
    // The first one was taken, so that its sender learns that it is lost; nobody takes the second one.
    const answers = await Promise.all([hanging, late])
    expect(answers).toMatchObject([{ status: 202 }, { status: 202, body: {} }])
    const ids = answers.map(({ body }) => (body as { command: string }).command)
    await expect
      .poll(async () => (await named('mortal'))!.lost, { timeout: 60_000, interval: 250 })
      .toBe(true)
    expect(await Promise.all(ids.map((command) => store.outcome(command)))).toEqual(['lost', 'open'])
    await fresh.database.query(
      { text: `update runutil.commands set sent = sent - interval '30 s' where replica = $1` },
      [id],
    )
    expect(await store.outcome(ids[1]!)).toBe('void')
  },
)

test.concurrent(
  'a process outlives its database, and is seen again when that is back',
  async ({ expect }) => {
    const proxy = await TcpProxy.start(fresh.url)
    const child = started('remote', proxy.urlOf(fresh.url))
    const id = await idOf(expect, 'remote')
    proxy.refuse()
    proxy.cut()
    await child.printed('cannot tell other processes that this one lives')
    await fresh.database.query(
      { text: `update runutil.replicas set seen = seen - interval '1 min' where id = $1` },
      [id],
    )
    expect(await named('remote')).toMatchObject({ lost: true })
    proxy.resume()
    await expect.poll(async () => (await named('remote'))!.lost).toBe(false)
    // It listens again as well.
    expect(await control.worker('/Tick', 'trigger', ada, id)).toMatchObject({ status: 200 })
    child.kill('SIGTERM')
    const { code, lines } = await child.exit
    expect(code).toBe(0)
    expect(lines.filter((line) => line.includes('cannot tell'))).toHaveLength(1)
    await proxy.stop()
  },
)
