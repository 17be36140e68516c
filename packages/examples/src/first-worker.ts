// A worker class that reads a thermometer repeatedly, and is restarted when a reading fails.
//
// prints:
//   /Thermometer/Read started
//   /Thermometer/Read 20 degrees
//   WARN /Thermometer/Read worker failed: no answer (attempt 1, again in 50 ms)
//   /Thermometer/Read started
//   /Thermometer/Read 22 degrees
//   /Thermometer/Read 23 degrees
//   /Thermometer/Read stopped
//   stopped
import { type DeclarativeWorker, Worker, type WorkerConfigurer } from 'runutil'
import { backoff, currentLogger, repeat, runProvidedWorkers } from 'runutil'
import { container } from 'tsyringe'
import { readableLogger } from './readable-logger.ts'

// A service passes shutdownSignal() and runs until it is stopped. This program stops itself at 23 degrees.
const stop = new AbortController()

@Worker()
export class Thermometer implements WorkerConfigurer {
  #degrees = 19

  workers(): DeclarativeWorker[] {
    return [
      {
        name: 'Read',
        worker: repeat('20ms', () => this.#read()),
        retry: backoff({ initial: '50ms', max: '1m' }),
      },
    ]
  }

  #read(): void {
    this.#degrees++
    if (this.#degrees === 21) throw new Error('no answer')
    // The logger carries the worker's name.
    currentLogger().info(`${this.#degrees} degrees`)
    if (this.#degrees === 23) stop.abort()
  }
}

const logger = readableLogger()
await runProvidedWorkers(container, stop.signal, { logger })
logger.info('stopped')
