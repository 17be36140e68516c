import { wait } from 'runutil'
import { describe, it } from 'vitest'
import { Child, type Exit } from '../support/child.ts'

interface Scenario {
  readonly program: readonly [name: string, ...args: string[]]
  readonly steps?: (child: Child) => Promise<void>
  readonly ends: Pick<Exit, 'code' | 'signal'>
  /** Texts that must be printed in this order, with any others between them. */
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
  // Within half a second it would count as the same request.
  await wait(700)
  child.kill(signal)
}
/** Like a terminal and a dev runner that forwards the signal. */
const passedOn = (signal: NodeJS.Signals, when: string) => async (child: Child) => {
  await once(signal, when)(child)
  await once(signal, 'told to stop')(child)
}
/** A program that ends cleanly on one signal, sent when it has printed `when`. */
const endsOn = (
  signal: NodeJS.Signals,
  when: string,
  scenario: Omit<Scenario, 'steps' | 'ends'>,
): Scenario => ({ ...scenario, steps: once(signal, when), ends: exits(0) })

/** A program that exits immediately on a second signal, sent when it has printed `second`. */
const forcedBy = (
  signal: NodeJS.Signals,
  [first, second]: readonly [string, string],
  scenario: Omit<Scenario, 'steps' | 'ends'>,
): Scenario => ({ ...scenario, steps: twice(signal, first, second), ends: exits(16) })

const scenarios: Record<string, Scenario> = {
  'lets every worker clean up on SIGTERM, and exits with 0': endsOn('SIGTERM', 'b started', {
    program: ['idle'],
    prints: ['a cleaned up', 'b cleaned up', 'shutdown requested by SIGTERM'],
  }),
  'does the same on SIGINT': endsOn('SIGINT', 'b started', {
    program: ['idle'],
    prints: ['a cleaned up', 'b cleaned up', 'shutdown requested by SIGINT'],
  }),
  'stays alive while a group of idle workers runs': endsOn('SIGTERM', 'still alive', {
    program: ['idle'],
    prints: ['b started', 'still alive', 'a cleaned up'],
  }),
  'exits immediately on a second SIGINT, with 16': forcedBy('SIGINT', ['started', 'aborted'], {
    program: ['stubborn', '1h'],
    prints: ['aborted', 'second shutdown signal, exiting'],
    neverPrints: 'not reached',
  }),
  'treats a SIGTERM that arrives twice, as from npm and node --watch, as one request': {
    program: ['delayed', '150ms'],
    steps: passedOn('SIGTERM', 'working'),
    ends: exits(0),
    prints: ['told to stop', 'working after SIGTERM', 'stopped'],
    neverPrints: 'second shutdown signal, exiting',
  },
  'treats a signal that arrives twice while the event loop is blocked as one request, however late': {
    program: ['blocked'],
    steps: passedOn('SIGINT', 'working'),
    ends: exits(0),
    prints: ['told to stop', 'blocked for 800 ms', 'stopped'],
    neverPrints: 'second shutdown signal, exiting',
  },
  'names open handles in one warning 5 s after a clean end': {
    program: ['left-open'],
    steps: async (child) => {
      await once('SIGTERM', 'working')(child)
      await once('SIGKILL', 'TCPServerWrap')(child)
    },
    ends: { code: null, signal: 'SIGKILL' },
    prints: ['stopped', 'all workers have ended, but open handles keep the process alive: '],
  },
  'still exits on SIGTERM after its run if it is process 1 of a container': {
    program: ['after-run', 'as-first'],
    steps: once('SIGTERM', 'serving'),
    ends: exits(143),
    prints: ['migrated', '2 handlers', 'serving'],
  },
  'rejects a shutdown signal in a worker thread, which receives no signals': {
    program: ['thread'],
    ends: exits(0),
    prints: ['signals do not arrive in a worker thread'],
    neverPrints: 'it aborted',
  },
  'names a worker that ignores the abort beyond the grace period, and exits with 1': {
    program: ['stubborn', '50ms'],
    steps: once('SIGTERM', 'started'),
    ends: exits(1),
    prints: ['aborted', 'still running 50 ms after the abort: /Stubborn'],
    neverPrints: 'not reached',
  },
  'exits with 1 after an uncaught error in a timer': {
    program: ['uncaught'],
    ends: exits(1),
    prints: ['Error: thrown in a timer'],
    neverPrints: 'not reached',
  },
  'names a worker that returns early, stops the others, and exits with 1': {
    program: ['early-exit'],
    ends: exits(1),
    prints: ['loyal cleaned up', 'WorkerGroupError: /Early: worker /Early exited prematurely'],
    neverPrints: 'not reached',
  },
  'continues after SIGTERM until the delay is over, then stops': endsOn('SIGTERM', 'working', {
    program: ['delayed', '150ms'],
    prints: ['working', 'told to stop', 'working after SIGTERM', 'stopped'],
  }),
  'exits immediately on a second SIGTERM within the delay, with 16': forcedBy(
    'SIGTERM',
    ['working', 'working after SIGTERM'],
    {
      program: ['delayed', '1h'],
      prints: ['working after SIGTERM', 'second shutdown signal, exiting'],
      neverPrints: 'stopped',
    },
  ),
  'does not wait for the end of the delay if the run fails within it': endsOn('SIGTERM', 'started', {
    program: ['failed-in-delay'],
    prints: ['lost the connection', 'the run is over'],
  }),
  'starts no worker after a SIGTERM that arrived before the run': endsOn('SIGTERM', 'connecting', {
    program: ['stopped-early'],
    prints: ['connecting', 'stopped'],
    neverPrints: 'worker started',
  }),
  'removes its signal handlers after the run, so that SIGTERM kills it as by default': {
    program: ['after-run'],
    steps: once('SIGTERM', 'serving'),
    ends: { code: null, signal: 'SIGTERM' },
    prints: ['migrated', '0 handlers', 'serving'],
  },
  'stops a second run with the same signal on SIGTERM': endsOn('SIGTERM', 'second run started', {
    program: ['after-run', 'second-run'],
    prints: ['migrated', '0 handlers', 'second run started', 'second run stopped'],
  }),
  'ends a retry that would wait another hour on SIGTERM': endsOn('SIGTERM', 'worker failed', {
    program: ['backoff'],
    prints: ['"worker":"/Failing"', 'stopped'],
  }),
  'stops a worker that is not ready yet on SIGTERM, and never starts those that depend on it': endsOn(
    'SIGTERM',
    'worker: starting',
    {
      program: ['states', 'starting'],
      prints: [
        'worker: starting',
        'worker: stopping',
        'slow cleaned up',
        'worker: stopped',
        'the run is over',
      ],
      neverPrints: 'never',
    },
  ),
  'ends a backoff on SIGTERM, and restarts nothing': endsOn('SIGTERM', 'worker: restarting', {
    program: ['states', 'restarting'],
    prints: ['worker: ready', 'worker: restarting', 'worker: stopped', 'the run is over'],
  }),
  'waits on SIGTERM for a worker that an operator is stopping': endsOn('SIGTERM', 'worker: stopping', {
    program: ['states', 'stopping'],
    prints: ['worker: stopping', 'slow cleaned up', 'worker: stopped', 'the run is over'],
  }),
  'waits on SIGTERM for a worker that is being stopped together with a failed one, and restarts nothing':
    endsOn('SIGTERM', 'worker: stopping', {
      program: ['states', 'joint'],
      prints: ['worker: stopping', 'slow cleaned up', 'worker: stopped', 'the run is over'],
      neverPrints: 'worker: restarting',
    }),
  'declares no worker hung or late because of a blocked event loop': endsOn('SIGTERM', 'blocked for', {
    program: ['blocked-loop'],
    prints: [
      'blocks',
      'blocked for 1500 ms',
      'starting one stops: ShutdownRequestedError',
      'the run is over',
    ],
    neverPrints: 'worker hangs',
  }),
  'stops all other workers if one hangs, and exits with 1 within a second of the rejection': {
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
  'does not exit by itself without a shutdownSignal': {
    program: ['hung', 'plain'],
    steps: once('SIGKILL', 'still there'),
    ends: { code: null, signal: 'SIGKILL' },
    prints: ['careful cleaned up', 'rejected: /Hangs true', 'still there'],
  },
  ...Object.fromEntries(
    [
      ['lone', 'a worker'],
      ['supervise', 'a supervisor within another'],
      ['run', 'a run within a worker'],
      ['jobs', 'jobs within a worker'],
    ].map(([program, what]) => [
      `is not kept alive by ${what} that its run has abandoned`,
      {
        program: ['left-behind', program],
        ends: exits(0),
        prints: ['rejected: ', 'exits with 0'],
      } as Scenario,
    ]),
  ),
  'disposes of everything created for the workers after SIGTERM, in reverse order of creation': endsOn(
    'SIGTERM',
    'serving',
    {
      program: ['disposal'],
      prints: [
        'worker ended',
        'worker closed',
        'service closed',
        'closing database',
        'database closed',
        'all closed',
      ],
    },
  ),
  'exits immediately on a second SIGTERM during disposal, with 16': forcedBy(
    'SIGTERM',
    ['serving', 'closing database'],
    {
      program: ['disposal', 'endless'],
      prints: ['service closed', 'closing database', 'second shutdown signal, exiting'],
      neverPrints: 'all closed',
    },
  ),
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

/** The texts that the lines contain in this order. */
function inOrder(texts: readonly string[], lines: readonly string[]): string[] {
  let from = 0
  return texts.filter((text) => {
    const at = lines.findIndex((line, index) => index >= from && line.includes(text))
    if (at >= 0) from = at + 1
    return at >= 0
  })
}
