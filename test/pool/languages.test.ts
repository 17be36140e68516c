import { describe, expect, it } from 'vitest'
import { isThere } from '../support/pool/interpreters.ts'
import { errorOf, node, php, python, textOf, withPool } from '../support/pool/pools.ts'

/** What a worker of goridge 2 over pipes looks like in other languages, and that each is taken as it is. */
const workers = [
  { language: 'Node', command: node },
  { language: 'Python', command: python },
  { language: 'PHP', command: php },
]

for (const { language, command } of workers) {
  describe.skipIf(!isThere(command[0]!))(`a worker in ${language}`, () => {
    it('does tasks, says what fails and goes on', async () => {
      await withPool({ command, numWorkers: 2 }, async (pool) => {
        const tasks = Array.from({ length: 200 }, (_, at) => `task ${at}`)
        expect(await Promise.all(tasks.map((task) => textOf(pool.exec(task))))).toEqual(tasks)
        const large = Buffer.alloc(1_000_000, 'bytes \0\xff')
        expect(((await pool.exec(large)).body as Buffer).equals(large)).toBe(true)
        const both = { context: Buffer.from('c'), body: Buffer.from('both') }
        expect(await pool.exec(both)).toEqual(both)
        expect(await errorOf(pool.exec('fail'))).toMatchObject({ name: 'JobError', message: 'bad task' })
        expect(await textOf(pool.exec('nothing'))).toBe('')
        expect(pool.workers.reduce((sum, { numExecs }) => sum + numExecs, 0)).toBe(204)
      })
    })

    it('takes tasks that are sent ahead', async () => {
      await withPool({ command, numWorkers: 1, pipelining: 8 }, async (pool) => {
        const tasks = Array.from({ length: 200 }, (_, at) =>
          `task ${at} `.padEnd(at % 20 === 0 ? 70_000 : 20),
        )
        expect(await Promise.all(tasks.map((task) => textOf(pool.exec(task))))).toEqual(tasks)
        expect(pool.workers[0]!.numExecs).toBe(200)
      })
    })

    it('that dies is replaced, and the others stop when told to', async () => {
      await withPool({ command, numWorkers: 2 }, async (pool, { created }) => {
        const error = await errorOf(pool.exec(language === 'Node' ? 'exit-loudly 1' : 'exit'))
        expect(error).toMatchObject({ name: 'WorkerError', exitCode: 1 })
        expect(error.message).toMatch('last words')
        await created.times(3)
        expect(await pool.workers[0]!.stop()).toMatchObject({ code: 0, error: undefined })
      })
    })
  })
}
