import fc from 'fast-check'
import { runAllWorkers } from 'runutil'
import { type Action, type ActionLedger, Manager, type Registration } from 'runutil/dispatch'
import { capturedLogger } from '../logs.ts'
import { all } from './all.ts'

const OPERATIONS = ['one', 'two'] as const
const TARGETS = ['a', 'b'] as const
type Operation = (typeof OPERATIONS)[number]

/** How a task that waits for it ends. */
type End = 'returns' | 'throws' | 'succeeds' | 'fails, and throws'

/** Two managers on one ledger, with workers whose tasks end when a command says so. */
export class DispatchSide {
  readonly managers: Readonly<Record<Operation, Manager<number, unknown>>>
  readonly registrations = new Map<string, Registration>()
  /** What runs, by operation and target. */
  readonly running = new Map<string, { readonly input: number; readonly end: (how: End) => void }>()
  readonly actions: string[] = []
  /** What came of each call of `do`, by its input. */
  readonly outcomes = new Map<number, string>()
  readonly #stop = new AbortController()
  readonly #run: Promise<unknown>

  constructor(ledger: ActionLedger) {
    const [one, two] = OPERATIONS.map((operation) => new Manager<number, unknown>({ operation, ledger }))
    this.managers = { one: one!, two: two! }
    const { logger } = capturedLogger()
    this.#run = runAllWorkers([one!, two!], this.#stop.signal, { logger })
  }

  async close(): Promise<void> {
    this.#stop.abort()
    await this.#run
  }

  register(operation: Operation, target: string, host: string, exclusive: boolean): void {
    const key = `${operation} ${target}`
    const manager = this.managers[operation]
    const perform = async (task: { action: string; input: number }, signal: AbortSignal): Promise<void> => {
      const how = await new Promise<End>((end) => {
        this.running.set(key, { input: task.input, end })
        signal.addEventListener('abort', () => end('returns'))
      })
      this.running.delete(key)
      if (how === 'succeeds') await manager.update({ id: task.action, status: 'succeeded', output: 'done' })
      if (how === 'fails, and throws')
        await manager.update({ id: task.action, status: 'failed', error: 'mine' })
      if (how === 'throws' || how === 'fails, and throws') throw new RangeError(`thrown ${task.input}`)
    }
    this.registrations.set(key, manager.workers.register(host, target, perform, { exclusive }))
  }

  submit(operation: Operation, target: string): void {
    const input = this.outcomes.size
    this.outcomes.set(input, 'waits')
    const submission = this.managers[operation].do(target, input)
    submission.then(
      (id) => this.actions.push(id),
      () => {},
    )
    submission.completed.then(
      ({ status }) => this.outcomes.set(input, status),
      (error: Error) => this.outcomes.set(input, `${error.name}: ${error.message}`),
    )
  }

  /** All that can be seen of it. */
  async sight(): Promise<unknown> {
    const found = await Promise.all(
      OPERATIONS.map(async (operation) => {
        const { actions, workers } = this.managers[operation]
        const live = [...workers].map(({ host, target }) => `${host} ${target}`).sort()
        return [(await all(actions.search())).map(shown).sort(), live]
      }),
    )
    const running = [...this.running].map(([key, { input }]) => `${key}: ${input}`).sort()
    return { found, running, outcomes: [...this.outcomes] }
  }
}

function shown({ input, host, target, status, output, error }: Action<number>): string {
  return JSON.stringify([String(input).padStart(3, '0'), host, target, status, output, error])
}

/** What is done to a side, and what came of it at once. */
export type DispatchCommand = (side: DispatchSide) => unknown

function command<T extends object>(
  what: string,
  shape: fc.Arbitrary<T>,
  run: (side: DispatchSide, given: T) => unknown,
) {
  return shape.map((given) =>
    Object.assign((side: DispatchSide) => run(side, given), {
      toString: () => `${what} ${JSON.stringify(given)}`,
    }),
  )
}

const operation = fc.constantFrom(...OPERATIONS)
const target = fc.constantFrom(...TARGETS)

const register = command(
  'register',
  fc.record({ operation, target, host: fc.constantFrom('h', 'k'), exclusive: fc.boolean() }),
  (side, given) => {
    try {
      side.register(given.operation, given.target, given.host, given.exclusive)
    } catch (error) {
      return (error as Error).message
    }
    return undefined
  },
)

const submit = command('do', fc.record({ operation, target }), (side, given) =>
  side.submit(given.operation, given.target),
)

const end = command(
  'end',
  fc.record({
    operation,
    target,
    how: fc.constantFrom<End>('returns', 'returns', 'succeeds', 'throws', 'fails, and throws'),
  }),
  (side, given) => side.running.get(`${given.operation} ${given.target}`)?.end(given.how),
)

const close = command(
  'close',
  fc.record({ operation, target }),
  (side, given) => void side.registrations.get(`${given.operation} ${given.target}`)?.close(),
)

export const dispatchCommands: fc.Arbitrary<DispatchCommand[]> = fc
  .array(fc.oneof(register, register, submit, submit, submit, submit, end, end, end, close), {
    minLength: 5,
    maxLength: 30,
  })
  .map((commands) => commands)
