import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Enqueued, NewJob, OnExists } from 'runutil/queue'
import { BUNDLED_CWD, bundled } from '../bundled.ts'

export type Order =
  | { do: 'enqueue'; jobs: readonly NewJob[]; onExists: OnExists }
  /** Claims so many, and ends them as DONE. */
  | { do: 'work'; kinds: readonly string[]; limit: number }

export interface Answer {
  readonly enqueued?: readonly Enqueued[]
  readonly ended?: readonly { readonly id: string; readonly claim: number }[]
  /** Those of them whose claim was lost. */
  readonly lost?: readonly string[]
  /** The error of an enqueue. */
  readonly refused?: {
    readonly code?: string | undefined
    readonly ids?: readonly string[] | undefined
    readonly message: string
  }
}

/** Processes that use one database at the same time, each over a connection of its own, for as many rounds as are wanted. */
export class Racers {
  readonly #processes: readonly ChildProcess[]

  static async start(url: string, count: number): Promise<Racers> {
    const code = await bundled('postgres/programs/racer')
    const racers = new Racers(
      Array.from({ length: count }, () => {
        // From stdin: it is too long for an argument.
        const racer = spawn(process.execPath, ['--input-type=module', '-', url], {
          cwd: BUNDLED_CWD,
          stdio: ['pipe', 'inherit', 'inherit', 'ipc'],
        })
        racer.stdin!.end(code)
        return racer
      }),
    )
    await Promise.all(racers.#processes.map(answerOf))
    return racers
  }

  private constructor(processes: readonly ChildProcess[]) {
    this.#processes = processes
  }

  /** Gives the nth process orders[n], all at the same time. @returns their answers, in this order */
  async race(orders: readonly Order[]): Promise<Answer[]> {
    const running = orders.map((order, nth) => {
      const racer = this.#processes[nth]!
      racer.send(order)
      return answerOf(racer)
    })
    return Promise.all(running)
  }

  async stop(): Promise<void> {
    const gone = this.#processes.map((racer) => once(racer, 'exit'))
    for (const racer of this.#processes) racer.disconnect()
    await Promise.all(gone)
  }
}

async function answerOf(racer: ChildProcess): Promise<Answer> {
  const ended = new AbortController()
  try {
    const [answer] = (await Promise.race([
      once(racer, 'message', ended),
      once(racer, 'exit', ended).then(([code]) => {
        throw new Error(`a racing process exited with ${String(code)}`)
      }),
    ])) as [Answer]
    return answer
  } finally {
    ended.abort()
  }
}
