// As one writes it where the build emits decorator metadata.
import type { Logger } from 'pino'
import { LOGGER, type Runnable, Worker, type WorkerConfigurer } from 'runutil'
import { currentLogger, repeat, runProvidedWorkers } from 'runutil'
import { container, inject, injectable } from 'tsyringe'

@injectable()
class Greeter {
  greet(times: number): string {
    return `hello ${times}`
  }
}

const done = new AbortController()

@Worker()
class Greetings implements WorkerConfigurer {
  private times = 0

  constructor(
    private readonly greeter: Greeter,
    @inject(LOGGER) logger: Logger,
  ) {
    logger.info('made')
  }

  workers(): Runnable[] {
    return [{ name: 'Ticks', worker: repeat('1ms', () => this.tick()) }]
  }

  private tick(): void {
    currentLogger().info(this.greeter.greet(++this.times))
    if (this.times === 3) done.abort()
  }
}

await runProvidedWorkers(container, done.signal)
