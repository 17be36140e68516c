import { describe, expect, it } from 'vitest'
import type { LogLine } from '../support/logs.ts'
import { freshWorker } from '../support/queue/fresh-worker.ts'

const warnings = (lines: readonly LogLine[]): string[] =>
  lines.filter(({ level }) => level === 40).map(({ msg }) => msg)

describe('a kind that nobody handles', () => {
  it('is warned of where a worker runs: once an hour, after a minute, with the nearest that it has', async () => {
    const { clock, queue, run, lines } = freshWorker(() => {})
    await queue.enqueue([
      { id: '1', kind: 'ab' },
      { id: '2', kind: 'ab' },
      { id: '3', kind: 'something else' },
    ])
    const { stop } = await run()
    await clock.advance('50s')
    expect(warnings(lines)).toEqual([])
    await clock.advance('20s')
    const both = [
      "jobs of kind 'ab' wait, but no worker has a handler for it; did you mean 'a'?",
      "jobs of kind 'something else' wait, but no worker has a handler for it",
    ]
    expect(warnings(lines)).toEqual(both)
    await clock.advance('50m')
    expect(warnings(lines)).toEqual(both)
    await clock.advance('20m')
    expect(warnings(lines)).toEqual([...both, ...both])
    await stop()
  })

  it('is none that another worker handles, nor one whose jobs have gone', async () => {
    const { clock, queue, store, run, lines } = freshWorker(() => {})
    await queue.enqueue([
      { id: '1', kind: 'b' },
      { id: '2', kind: 'c' },
    ])
    const { stop } = await run()
    const other = new Map([
      [
        'b',
        {
          limits: { concurrency: undefined, keyConcurrency: undefined, rate: undefined },
          retention: { doneMs: Infinity, failedMs: Infinity },
        },
      ],
    ])
    for (let minute = 0; minute < 10; minute++) {
      await store.store.setRules('another', other)
      await clock.advance('25s')
      if (minute === 0) await queue.cancel('2')
    }
    expect(warnings(lines)).toEqual([])
    await stop()
  })
})
