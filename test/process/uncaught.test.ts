import { describe, it } from 'vitest'
import { Child } from '../support/child.ts'

interface Scenario {
  readonly args: readonly string[]
  readonly prints: readonly string[]
  readonly neverPrints?: string
}

const REJECTED = 'rejected: WorkerGroupError: UncaughtError of /Careless, caused by Error: nobody caught this'
const STOPPED = ['careful stops: UncaughtError', 'careful cleaned up', REJECTED]

const scenarios: Record<string, Scenario> = {
  'an uncaught exception is logged with its worker, stops all in order, and exits with 1': {
    args: ['exception'],
    prints: ['uncaught exception: the process stops', ...STOPPED],
  },
  'an unhandled rejection does the same': {
    args: ['rejection'],
    prints: ['unhandled rejection: the process stops', ...STOPPED],
  },
  'other listeners are still called': {
    args: ['listened'],
    prints: ['the tracker heard of it', ...STOPPED],
  },
  'other listeners are called for a rejection as well': {
    args: ['listened-rejection'],
    prints: ['the tracker heard of it', ...STOPPED],
  },
  'with crash, listeners decide what comes of it, as in Node alone': {
    args: ['listened', 'crash'],
    prints: ['the tracker heard of it', 'the tracker exits'],
    neverPrints: 'careful stops',
  },
  'a second one exits at once': {
    args: ['twice'],
    prints: ['careful stops: UncaughtError', 'uncaught exception while stopping: the process exits'],
    neverPrints: 'rejected',
  },
  'the end of grace exits, though something still runs': {
    args: ['stuck', 'stop', '300ms'],
    prints: [
      'careful stops: UncaughtError',
      'not all workers stopped within the grace period: the process exits',
    ],
    neverPrints: 'careful cleaned up',
  },
  'with crash, the process ends as Node does': {
    args: ['exception', 'crash'],
    prints: ['Error: nobody caught this'],
    neverPrints: 'careful stops',
  },
}

describe.concurrent('an error that nobody caught', () => {
  it.for(Object.entries(scenarios))('%s', async ([, { args, prints, neverPrints }], { expect }) => {
    const { code, signal, lines } = await new Child('process/programs/uncaught-stop', ...args).exit
    const all = lines.join('\n')
    expect({ code, signal }, all).toEqual({ code: 1, signal: null })
    for (const text of prints) expect(all).toContain(text)
    // Log lines and printed ones may overtake each other on their way here.
    const printed = lines.filter((line) => !line.startsWith('{'))
    const places = prints
      .map((text) => printed.findIndex((line) => line.includes(text)))
      .filter((at) => at !== -1)
    expect(places).toEqual(places.toSorted((a, b) => a - b))
    if (neverPrints !== undefined) expect(all).not.toContain(neverPrints)
    const fatal = lines.filter((line) => line.includes('"level":60'))
    if (!args.includes('crash')) expect(fatal[0]).toContain('"worker":"/Careless"')
    if (prints.includes(REJECTED)) expect(fatal).toHaveLength(1)
  })
})
