// As one writes it where the build emits no decorator metadata, or where decorators are those of TC39.
import type { Logger } from 'pino'
import { LOGGER, type Runnable, Worker, type WorkerConfigurer } from 'runutil'
import { currentLogger, repeat, runProvidedWorkers } from 'runutil'
import { container } from 'tsyringe'

class Greeter {
  greet(times: number): string {
    return `hello ${times}`
  }
}

const done = new AbortController()

@Worker({ inject: [Greeter, LOGGER] })
class Greetings implements WorkerConfigurer {
  private times = 0

  constructor(
    private readonly greeter: Greeter,
    logger: Logger,
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
