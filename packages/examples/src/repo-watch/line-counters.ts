import { fileURLToPath } from 'node:url'
import { type DeclarativeWorker, Worker, type WorkerConfigurer } from 'runutil'
import { ProcessPool } from 'runutil/pool'
import type { Lines } from './lines.ts'

/** Counts lines in separate processes, so that a large file does not block the event loop. */
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

  /** @throws the signal's reason; the process that counted is then replaced */
  readonly count = async (name: string, content: Uint8Array, signal: AbortSignal): Promise<Lines> => {
    const { body } = await this.#pool.exec({ context: Buffer.from(name), body: content }, { signal })
    return JSON.parse(Buffer.from(body!).toString()) as Lines
  }
}
