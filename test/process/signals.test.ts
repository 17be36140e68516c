import { wait } from 'runutil'
import { describe, it } from 'vitest'
import { Child, type Exit } from '../support/child.ts'

interface Scenario {
  readonly program: readonly [name: string, ...args: string[]]
  readonly steps?: (child: Child) => Promise<void>
  readonly ends: Pick<Exit, 'code' | 'signal'>
  /** In this order, whatever else is printed between. */
  readonly prints: readonly string[]
  readonly neverPrints?: string
}

const exits = (code: number): Scenario['ends'] => ({ code, signal: null })
const once = (signal: NodeJS.Signals, when: string) => async (child: Child) => {
  await child.printed(when)
  child.kill(signal)
}
const twice = (signal: NodeJS.Signals, first: string, second: string) => async (child: Child) => {
  await once(signal, first)(child)
  await child.printed(second)
  // For half a second it would be the same request.
  await wait(700)
  child.kill(signal)
}
/** As a terminal and the dev runner that it reaches too. */
const passedOn = (signal: NodeJS.Signals, when: string) => async (child: Child) => {
  await once(signal, when)(child)
  await once(signal, 'told to stop')(child)
}

const scenarios: Record<string, Scenario> = {
  'SIGTERM lets every worker clean up, and the process exits with 0': {
    program: ['idle'],
    steps: once('SIGTERM', 'b started'),
    ends: exits(0),
    prints: ['a cleaned up', 'b cleaned up', 'shutdown requested by SIGTERM'],
  },
  'SIGINT does the same': {
    program: ['idle'],
    steps: once('SIGINT', 'b started'),
    ends: exits(0),
    prints: ['a cleaned up', 'b cleaned up', 'shutdown requested by SIGINT'],
  },
  'a group of idle workers keeps the process alive by itself': {
    program: ['idle'],
    steps: once('SIGTERM', 'still alive'),
    ends: exits(0),
    prints: ['b started', 'still alive', 'a cleaned up'],
  },
  'a second SIGINT exits at once with 16': {
    program: ['stubborn', '1h'],
    steps: twice('SIGINT', 'started', 'aborted'),
    ends: exits(16),
    prints: ['aborted', 'second shutdown signal, exiting'],
    neverPrints: 'not reached',
  },
  'one SIGTERM that comes twice, as by npm and node --watch, is one request': {
    program: ['delayed', '150ms'],
    steps: passedOn('SIGTERM', 'working'),
    ends: exits(0),
    prints: ['told to stop', 'working after SIGTERM', 'stopped'],
    neverPrints: 'second shutdown signal, exiting',
  },
  'one that comes twice while the loop is blocked is one request, however late that is': {
    program: ['blocked'],
    steps: passedOn('SIGINT', 'working'),
    ends: exits(0),
    prints: ['told to stop', 'blocked for 800 ms', 'stopped'],
    neverPrints: 'second shutdown signal, exiting',
  },
  'what is left open after a clean end is named in one warning, after 5 s': {
    program: ['left-open'],
    steps: async (child) => {
      await once('SIGTERM', 'working')(child)
      await once('SIGKILL', 'TCPServerWrap')(child)
    },
    ends: { code: null, signal: 'SIGKILL' },
    prints: ['stopped', 'all workers have ended, but open handles keep the process alive: '],
  },
  'as the first process of a container, it still ends on a SIGTERM after its run': {
    program: ['after-run', 'as-first'],
    steps: once('SIGTERM', 'serving'),
    ends: exits(143),
    prints: ['migrated', '2 handlers', 'serving'],
  },
  'in a worker thread it says that no signals arrive': {
    program: ['thread'],
    ends: exits(0),
    prints: ['signals do not arrive in a worker thread'],
    neverPrints: 'it aborted',
  },
  'a worker that ignores the abort past the grace period is named, and the process exits with 1': {
    program: ['stubborn', '50ms'],
    steps: once('SIGTERM', 'started'),
    ends: exits(1),
    prints: ['aborted', 'still running 50 ms after the abort: /Stubborn'],
    neverPrints: 'not reached',
  },
  'an uncaught error in a timer ends the process with 1': {
    program: ['uncaught'],
    ends: exits(1),
    prints: ['Error: thrown in a timer'],
    neverPrints: 'not reached',
  },
  'a worker that returns early stops the others, is named, and the process exits with 1': {
    program: ['early-exit'],
    ends: exits(1),
    prints: ['loyal cleaned up', 'WorkerGroupError: /Early: worker /Early exited prematurely'],
    neverPrints: 'not reached',
  },
  'with a delay the process goes on after SIGTERM, then stops': {
    program: ['delayed', '150ms'],
    steps: once('SIGTERM', 'working'),
    ends: exits(0),
    prints: ['working', 'told to stop', 'working after SIGTERM', 'stopped'],
  },
  'a second SIGTERM within the delay exits at once with 16': {
    program: ['delayed', '1h'],
    steps: twice('SIGTERM', 'working', 'working after SIGTERM'),
    ends: exits(16),
    prints: ['working after SIGTERM', 'second shutdown signal, exiting'],
    neverPrints: 'stopped',
  },
  'a run that fails within the delay does not keep the process until the delay is over': {
    program: ['failed-in-delay'],
    steps: once('SIGTERM', 'started'),
    ends: exits(0),
    prints: ['lost the connection', 'the run is over'],
  },
  'SIGTERM before the run starts stops it before any worker does anything': {
    program: ['stopped-early'],
    steps: once('SIGTERM', 'connecting'),
    ends: exits(0),
    prints: ['connecting', 'stopped'],
    neverPrints: 'worker started',
  },
  'when the run is over the handlers are off, and SIGTERM kills as it does by default': {
    program: ['after-run'],
    steps: once('SIGTERM', 'serving'),
    ends: { code: null, signal: 'SIGTERM' },
    prints: ['migrated', '0 handlers', 'serving'],
  },
  'a second run with the same signal stops on SIGTERM as the first would have': {
    program: ['after-run', 'second-run'],
    steps: once('SIGTERM', 'second run started'),
    ends: exits(0),
    prints: ['migrated', '0 handlers', 'second run started', 'second run stopped'],
  },
  'SIGTERM ends a retry that would wait another hour': {
    program: ['backoff'],
    steps: once('SIGTERM', 'worker failed'),
    ends: exits(0),
    prints: ['"worker":"/Failing"', 'stopped'],
  },
  'SIGTERM stops a worker that is not ready yet, and what waits for it never starts': {
    program: ['states', 'starting'],
    steps: once('SIGTERM', 'worker: starting'),
    ends: exits(0),
    prints: ['worker: starting', 'worker: stopping', 'slow cleaned up', 'worker: stopped', 'the run is over'],
    neverPrints: 'never',
  },
  'SIGTERM ends a backoff, and nothing starts again': {
    program: ['states', 'restarting'],
    steps: once('SIGTERM', 'worker: restarting'),
    ends: exits(0),
    prints: ['worker: ready', 'worker: restarting', 'worker: stopped', 'the run is over'],
  },
  'SIGTERM waits for a worker that an operator is stopping': {
    program: ['states', 'stopping'],
    steps: once('SIGTERM', 'worker: stopping'),
    ends: exits(0),
    prints: ['worker: stopping', 'slow cleaned up', 'worker: stopped', 'the run is over'],
  },
  'SIGTERM waits for a worker that is stopped along with one that failed, and nothing starts again': {
    program: ['states', 'joint'],
    steps: once('SIGTERM', 'worker: stopping'),
    ends: exits(0),
    prints: ['worker: stopping', 'slow cleaned up', 'worker: stopped', 'the run is over'],
    neverPrints: 'worker: restarting',
  },
  'a blocked loop makes nobody late: neither a watchdog nor a start': {
    program: ['blocked-loop'],
    steps: once('SIGTERM', 'blocked for'),
    ends: exits(0),
    prints: [
      'blocks',
      'blocked for 1500 ms',
      'starting one stops: ShutdownRequestedError',
      'the run is over',
    ],
    neverPrints: 'worker hangs',
  },
  'a worker that hangs lets the others stop in order, and the process exits with 1 within a second of the rejection':
    {
      program: ['hung', 'shutdown'],
      ends: exits(1),
      prints: [
        'told to end: WorkerHungError',
        'careful stops: SiblingExitedError',
        'careful cleaned up',
        'rejected: /Hangs true',
        'exits with 1 in time',
      ],
      neverPrints: 'still there',
    },
  'without a shutdownSignal nobody exits for it': {
    program: ['hung', 'plain'],
    steps: once('SIGKILL', 'still there'),
    ends: { code: null, signal: 'SIGKILL' },
    prints: ['careful cleaned up', 'rejected: /Hangs true', 'still there'],
  },
  'after SIGTERM everything made for the workers is disposed, the last made first': {
    program: ['disposal'],
    steps: once('SIGTERM', 'serving'),
    ends: exits(0),
    prints: [
      'worker ended',
      'worker closed',
      'service closed',
      'closing database',
      'database closed',
      'all closed',
    ],
  },
  'a second SIGTERM while things are disposed exits at once with 16': {
    program: ['disposal', 'endless'],
    steps: twice('SIGTERM', 'serving', 'closing database'),
    ends: exits(16),
    prints: ['service closed', 'closing database', 'second shutdown signal, exiting'],
    neverPrints: 'all closed',
  },
}

describe.concurrent('a process', () => {
  it.for(Object.entries(scenarios))('%s', async ([, scenario], { expect }) => {
    const [name, ...args] = scenario.program
    const child = new Child(`process/programs/${name}`, ...args)
    await scenario.steps?.(child)
    const { code, signal, lines } = await child.exit
    expect({ code, signal, lines }).toMatchObject(scenario.ends)
    expect(inOrder(scenario.prints, lines), lines.join('\n')).toEqual(scenario.prints)
    const never = scenario.neverPrints
    if (never !== undefined) expect(lines).not.toContainEqual(expect.stringContaining(never))
  })
})

/** Of the texts, those that the lines contain one after another. */
function inOrder(texts: readonly string[], lines: readonly string[]): string[] {
  let from = 0
  return texts.filter((text) => {
    const at = lines.findIndex((line, index) => index >= from && line.includes(text))
    if (at >= 0) from = at + 1
    return at >= 0
  })
}
