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
  'thrown by a worker is logged with its name, stops all workers, and makes the process exit with 1': {
    args: ['exception'],
    prints: ['uncaught exception: the process stops', ...STOPPED],
  },
  'that is an unhandled rejection has the same effect': {
    args: ['rejection'],
    prints: ['unhandled rejection: the process stops', ...STOPPED],
  },
  'is still passed to other listeners': {
    args: ['listened'],
    prints: ['the tracker heard of it', ...STOPPED],
  },
  'that is a rejection is passed to other listeners, too': {
    args: ['listened-rejection'],
    prints: ['the tracker heard of it', ...STOPPED],
  },
  'is left to other listeners with uncaught: crash, as in plain Node': {
    args: ['listened', 'crash'],
    prints: ['the tracker heard of it', 'the tracker exits'],
    neverPrints: 'careful stops',
  },
  'makes the process exit immediately if it is the second': {
    args: ['twice'],
    prints: ['careful stops: UncaughtError', 'uncaught exception while stopping: the process exits'],
    neverPrints: 'rejected',
  },
  'makes the process exit at the end of grace, even if a worker still runs': {
    args: ['stuck', 'stop', '300ms'],
    prints: [
      'careful stops: UncaughtError',
      'not all workers stopped within the grace period: the process exits',
    ],
    neverPrints: 'careful cleaned up',
  },
  'crashes the process with uncaught: crash, as in plain Node': {
    args: ['exception', 'crash'],
    prints: ['Error: nobody caught this'],
    neverPrints: 'careful stops',
  },
}

describe.concurrent('an uncaught error', () => {
  it.for(Object.entries(scenarios))('%s', async ([, { args, prints, neverPrints }], { expect }) => {
    const { code, signal, lines } = await new Child('process/programs/uncaught-stop', ...args).exit
    const all = lines.join('\n')
    expect({ code, signal }, all).toEqual({ code: 1, signal: null })
    for (const text of prints) expect(all).toContain(text)
    // Log lines and printed lines may arrive in a different order.
    const printed = lines.filter((line) => !line.startsWith('{'))
    const places = prints
      .map((text) => printed.findIndex((line) => line.includes(text)))
      .filter((at) => at !== -1)
    expect(places).toEqual(places.toSorted((a, b) => a - b))
    if (neverPrints !== undefined) expect(all).not.toContain(neverPrints)
    const fatal = lines.filter((line) => line.includes('"level":60'))
    // Nor do the lines of two errors come in the order of these.
    if (!args.includes('crash')) expect(fatal.join('\n')).toContain('"worker":"/Careless"')
    if (prints.includes(REJECTED)) expect(fatal).toHaveLength(1)
  })
})
