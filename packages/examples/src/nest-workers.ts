// Workers of a Nest application: each provider that has workers() runs, made and injected by Nest's container. They start before the
// application listens, and end with Nest's shutdown hooks, before what they use is closed.
//
// prints:
//   ready: /Mailer ready, /Rates ready
//   mail to ada@example.org, from shop@example.org
//   told to stop by SIGTERM
//   the mail server's connection is closed
import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  Module,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common'
import { DiscoveryModule, DiscoveryService, NestFactory } from '@nestjs/core'
import { pino } from 'pino'
import { type DeclarativeWorker, LOGGER, Runtime, type WorkerConfigurer } from 'runutil'
import { backoff, provideWorker, repeat, runProvidedWorkers } from 'runutil'
import { type Database, PostgresJobStore, migrate, openDatabase } from 'runutil/postgres'
import { type ClaimedJob, JobQueue, QueueWorker } from 'runutil/queue'
import { container } from 'tsyringe'

/** Runs the workers of all providers, as one group. */
@Injectable()
class Workers implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly runtime = new Runtime()
  readonly #stop = new AbortController()
  readonly #discovery: DiscoveryService
  #run: Promise<void> = Promise.resolve()

  constructor(@Inject(DiscoveryService) discovery: DiscoveryService) {
    this.#discovery = discovery
  }

  /** Nest listens when all workers are ready. */
  async onApplicationBootstrap(): Promise<void> {
    const ours = container.createChildContainer()
    for (const { instance, metatype } of this.#discovery.getProviders()) {
      if (!hasWorkers(instance) || typeof metatype !== 'function') continue
      const type = metatype as new () => WorkerConfigurer
      // A value: Nest has made it, and Nest disposes of it.
      ours.register(type, { useValue: instance })
      provideWorker(ours, type)
    }
    this.#run = runProvidedWorkers(ours, this.#stop.signal, { runtime: this.runtime, grace: '20s' })
    await this.runtime.ready()
  }

  /** Rejects when a worker has failed for good: then the application should end too. */
  get ended(): Promise<void> {
    return this.#run
  }

  async beforeApplicationShutdown(signal?: string): Promise<void> {
    console.log(`told to stop by ${signal}`)
    this.#stop.abort()
    await this.#run
  }
}

function hasWorkers(instance: unknown): instance is WorkerConfigurer {
  return typeof (instance as Partial<WorkerConfigurer> | null)?.workers === 'function'
}

@Module({ imports: [DiscoveryModule], providers: [Workers], exports: [Workers] })
class WorkersModule {}

/** What follows is the application's own. */
// For this example only, which shows what it prints. Without it, workers log by pino().
container.register(LOGGER, { useValue: pino({ level: 'silent' }) })

@Injectable()
class MailServer implements OnApplicationShutdown {
  readonly from = 'shop@example.org'

  send(to: string): void {
    console.log(`mail to ${to}, from ${this.from}`)
  }

  onApplicationShutdown(): void {
    console.log("the mail server's connection is closed")
  }
}

const DATABASE = Symbol('Database')

/** The queue, and the database that it is in. */
@Module({
  providers: [
    { provide: DATABASE, useFactory: openMigrated },
    {
      provide: JobQueue,
      useFactory: (database: Database) => new JobQueue(new PostgresJobStore(database)),
      inject: [DATABASE],
    },
  ],
  exports: [JobQueue],
})
class QueueModule implements OnApplicationShutdown {
  readonly #database: Database

  constructor(@Inject(DATABASE) database: Database) {
    this.#database = database
  }

  /** After the workers, which have ended by now. */
  async onApplicationShutdown(): Promise<void> {
    await this.#database.close()
  }
}

/** In a service openDatabase(), which takes DATABASE_URL. */
async function openMigrated(): Promise<Database> {
  const database = await openDatabase('memory:')
  await migrate(database)
  return database
}

@Injectable()
class Mailer implements WorkerConfigurer {
  readonly #queue: JobQueue
  readonly #server: MailServer

  // tsc and swc emit metadata of decorators: with these, @Inject() can be left out.
  constructor(@Inject(JobQueue) queue: JobQueue, @Inject(MailServer) server: MailServer) {
    this.#queue = queue
    this.#server = server
  }

  workers(): DeclarativeWorker[] {
    const worker = new QueueWorker(this.#queue, { concurrency: 10 })
    worker.register('mail', (job) => this.#send(job), { attempts: 5 })
    return [{ name: 'Mails', worker }]
  }

  #send({ payload }: ClaimedJob): void {
    this.#server.send(payload as string)
  }
}

@Injectable()
class Rates implements WorkerConfigurer {
  workers(): DeclarativeWorker[] {
    return [{ name: 'Refresh', worker: repeat('1h', () => {}), retry: backoff('10s') }]
  }
}

@Module({
  imports: [WorkersModule, QueueModule],
  providers: [MailServer, Mailer, Rates],
})
class AppModule {}

// NestFactory.create(AppModule), and app.listen(3000), with an HTTP server.
const app = await NestFactory.createApplicationContext(AppModule, { logger: false })
app.enableShutdownHooks(undefined, { useProcessExit: true })
const workers = app.get(Workers)
workers.ended.catch(async (error: unknown) => {
  console.error(error)
  process.exitCode = 1
  await app.close()
})

// What the client of this example does, and Kubernetes.
const { children } = workers.runtime.tree()
console.log(`ready: ${children.map(({ path, state }) => `${path} ${state}`).join(', ')}`)
const queue = app.get(JobQueue)
const { id } = await queue.enqueue({ kind: 'mail', payload: 'ada@example.org' })
await queue.result(id)
process.kill(process.pid, 'SIGTERM')
