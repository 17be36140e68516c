import { fileURLToPath } from 'node:url'
import { type DeclarativeWorker, Worker, type WorkerConfigurer } from 'runutil'
import { ProcessPool } from 'runutil/pool'
import type { Lines } from './lines.ts'

/** Counts lines in processes of their own: however long a file is, the watching goes on beside it. */
@Worker({ inject: [] })
export class LineCounters implements WorkerConfigurer {
  readonly #pool = new ProcessPool({
    // execArgv loads tsx, where it was loaded for this program.
    command: [
      process.execPath,
      ...process.execArgv,
      fileURLToPath(new URL('line-counter.ts', import.meta.url)),
    ],
    numWorkers: 2,
  })

  workers(): DeclarativeWorker[] {
    return [{ name: 'Pool', worker: this.#pool }]
  }

  /** @throws the signal's reason; then the process that counted is replaced */
  readonly count = async (name: string, content: Uint8Array, signal: AbortSignal): Promise<Lines> => {
    const { body } = await this.#pool.exec({ context: Buffer.from(name), body: content }, { signal })
    return JSON.parse(Buffer.from(body!).toString()) as Lines
  }
}
