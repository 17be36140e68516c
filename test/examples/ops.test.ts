import { expect, it } from 'vitest'
import { Program } from '../support/program.ts'

const path = 'packages/examples/src/ops/main.ts'

it('the service of the page prints its link first, has all there is to see, and obeys who has its token', async () => {
  const service = new Program({ path, args: ['--token', 'secret'] })
  const link = await service.printed(/./)
  expect(link).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/)
  const get = async (name: string): Promise<unknown> => (await fetch(`${link}api/v1/${name}`)).json()
  const headers = { authorization: 'Bearer secret', 'content-type': 'application/json', 'x-runutil': '1' }
  const pause = { method: 'POST', headers, body: '{}' }

  const has = (name: string, ...fields: object[]) =>
    expect
      .poll(() => get(name))
      .toMatchObject({ [name.split('?')[0]!]: expect.arrayContaining(fields.map(like)) as unknown })
  await has('kinds', { kind: 'newsletter', waiting: 250, paused: true }, { kind: 'export', running: 1 })
  await has('specs', { name: 'archive', paused: true })
  await has('actions', { target: 'lobby', status: 'running' })
  await has('leases', { name: 'rates', held: true })
  await has('jobs?status=PANIC', { kind: 'import' })
  expect((await fetch(`${link}api/v1/workers/Rates/pause`, pause)).status).toBe(409)
  expect((await fetch(`${link}api/v1/workers/Orders/Shop/pause`, pause)).status).toBe(200)

  service.kill('SIGINT')
  const { code, output, errors } = await service.exit
  expect({ code, errors, last: output.at(-1) }).toEqual({ code: 0, errors: [], last: 'stopped' })
})

function like(fields: object): unknown {
  return expect.objectContaining(fields)
}
