import { once } from 'node:events'
import { type AddressInfo, type Server, createServer } from 'node:net'
import { describe, expect, test } from 'vitest'
import { Child } from '../support/child.ts'
import { answerOf } from './programs/answer-of.ts'

/** The program, and its probes. */
class Probed extends Child {
  constructor(...args: string[]) {
    super('ops/programs/probed', ...args)
  }

  async probe(name: 'startupz' | 'readyz' | 'livez'): Promise<string> {
    await this.printed('serves')
    const [, url] = /serves (\S+)/.exec(this.printedLines.find((line) => line.startsWith('serves'))!)!
    return answerOf(url! + name)
  }
}

describe.concurrent('a process', () => {
  test('that is told to stop is not ready from then on, lives, and answers until its other workers have ended', async () => {
    const process = new Probed('stop')
    expect(await process.probe('startupz')).toBe('200')
    expect(await process.probe('readyz')).toBe('200')
    process.kill('SIGTERM')
    // The signal arrives at some moment in between.
    let ready = '200'
    while (ready === '200') ready = await process.probe('readyz')
    expect(ready).toBe('503 shutdown')
    expect(process.printedLines).not.toContain('aborted')
    expect(await process.probe('livez')).toBe('200')
    const { code, lines } = await process.exit
    expect(code).toBe(0)
    expect(lines).toContain('at the end: livez 200, readyz 503 shutdown, startupz 200')
  })

  test('with a worker that hangs and does not end is not alive, and exits', async () => {
    const { code, lines } = await new Probed('hung').exit
    expect(code).toBe(1)
    expect(lines).toContain('at the end: livez 503 /Deaf, readyz 503 shutdown, startupz 200')
  })

  test('whose database is away is alive, but not ready', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    await closed(server)
    const process = new Probed('database', String(port))
    expect(await process.probe('readyz')).toBe('503 check database')
    expect(await process.probe('livez')).toBe('200')
    expect(await process.probe('startupz')).toBe('200')
    process.kill('SIGTERM')
    expect((await process.exit).code).toBe(0)
  })
})

async function closed(server: Server): Promise<void> {
  server.close()
  await once(server, 'close')
}
