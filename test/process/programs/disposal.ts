// A worker that depends on a service that depends on a database, each of which is disposed of. With an argument, the
// database never closes.
import { type Runnable, Worker, type WorkerConfigurer, runProvidedWorkers, shutdownSignal } from 'runutil'
import { container, inject, injectable } from 'tsyringe'
import { aborted, print } from './print.ts'

@injectable()
class Database {
  async [Symbol.asyncDispose](): Promise<void> {
    print('closing database')
    await new Promise((resolve) => setTimeout(resolve, process.argv[2] === 'endless' ? 1e9 : 5))
    print('database closed')
  }
}

@injectable()
class Service {
  constructor(@inject(Database) readonly database: Database) {}
  dispose(): void {
    print('service closed')
  }
}

@Worker({ inject: [Service] })
class Serving implements WorkerConfigurer {
  constructor(readonly service: Service) {}

  workers(): Runnable[] {
    return [{ name: 'Requests', worker: (signal) => this.#serve(signal) }]
  }

  async #serve(signal: AbortSignal): Promise<void> {
    print('serving')
    await aborted(signal)
    print('worker ended')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    print('worker closed')
  }
}

await runProvidedWorkers(container, shutdownSignal())
print('all closed')
