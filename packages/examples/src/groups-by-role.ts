// One image, several roles: the same program runs the workers of the mailer in one place and those of the web in another.
// Here the role is an argument of the program; in a container it would come from the environment.
//
// prints:
//   role mailer
//   /Mailer/Send started
//   /Mailer/Send a mail sent
//   /Mailer/Send stopped
//   stopped
import { type DeclarativeWorker, Worker, type WorkerConfigurer } from 'runutil'
import { currentLogger, repeat, runProvidedWorkers } from 'runutil'
import { container } from 'tsyringe'
import { readableLogger } from './readable-logger.ts'

const stop = new AbortController()

@Worker({ group: 'mailer' })
export class Mailer implements WorkerConfigurer {
  workers(): DeclarativeWorker[] {
    return [{ name: 'Send', worker: repeat('10ms', () => workOnce('a mail sent')) }]
  }
}

@Worker({ group: 'web' })
export class PageCache implements WorkerConfigurer {
  workers(): DeclarativeWorker[] {
    return [{ name: 'Refresh', worker: repeat('10ms', () => workOnce('pages refreshed')) }]
  }
}

function workOnce(what: string): void {
  currentLogger().info(what)
  stop.abort()
}

const group = process.argv[2] ?? 'mailer'
const logger = readableLogger()
logger.info(`role ${group}`)
await runProvidedWorkers(container, stop.signal, { group, logger })
logger.info('stopped')
