import { type DeclarativeWorker, Worker, type WorkerConfigurer, backoff } from 'runutil'
import { OpsServer } from 'runutil/ops'
import { CommitJobs } from './commit-jobs.ts'

/** Shows the program, on any free port of this machine. Without a token nobody can change anything there. */
@Worker({ inject: [CommitJobs] })
export class Operations implements WorkerConfigurer {
  readonly #server: OpsServer

  constructor({ queue }: CommitJobs) {
    this.#server = new OpsServer({ queue, port: 0 })
  }

  get url(): string | undefined {
    return this.#server.url
  }

  workers(): DeclarativeWorker[] {
    return [{ name: 'Server', worker: this.#server, retry: backoff('10s') }]
  }
}
