// Watches a git repository and prints its changes: `pnpm start [--every 5s] [--for 10s] [--verbose] [path]`.
import type { Logger } from 'pino'
import { type Duration, LOGGER, Runtime, provideWorker, runProvidedWorkers, shutdownSignal } from 'runutil'
import { container } from 'tsyringe'
import { readableLogger } from '../readable-logger.ts'
import { stopLater } from '../stop-later.ts'
import { UsageError, readArguments } from './arguments.ts'
import { CommitJobs } from './commit-jobs.ts'
import { DemoRepository } from './demo-repository.ts'
import { LineCounters } from './line-counters.ts'
import { Operations } from './operations.ts'
import { Repository } from './repository.ts'
import { StartError } from './start-error.ts'
import { WatchDatabase } from './watch-database.ts'
import { View } from './view.ts'
import { WATCH_SETTINGS } from './watch-settings.ts'
// A class decorated with @Worker() runs once its file is imported.
import './commit-fetcher.ts'
import './commit-reader.ts'
import './drill.ts'
import './ref-watcher.ts'

try {
  await main(process.argv.slice(2))
} catch (error) {
  if (!(error instanceof StartError)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 2
}

async function main(args: string[]): Promise<void> {
  const { path, every, stopAfter, verbose } = readArguments(args)
  const stop = shutdownSignal()
  // The handle on the run: what its workers do, as events and as a tree.
  const runtime = new Runtime()
  const view = new View(runtime, process.stdout, verbose)
  const logger = readableLogger({ time: true, print: view.print })
  const found = await Repository.find(path ?? '.')
  if (found === undefined && path !== undefined) throw new UsageError(`no git repository at ${path} or above`)
  // Disposed by this function: the container disposes only the instances that it constructed.
  await using opened = await WatchDatabase.open()
  await using demo = found === undefined ? await demoInstead(every, logger) : undefined
  container.register(WatchDatabase, { useValue: opened })
  container.register(CommitJobs, { useValue: new CommitJobs(opened) })
  // One pool for all classes that inject it.
  container.registerSingleton(LineCounters)
  container.registerSingleton(Operations)
  container.register(Repository, { useValue: found ?? new Repository(demo!.folder) })
  container.register(WATCH_SETTINGS, { useValue: { every } })
  container.register(LOGGER, { useValue: logger })
  if (stopAfter !== undefined) void stopLater(stopAfter, stop)
  const run = runProvidedWorkers(container, stop, { runtime }).finally(() => view.close())
  await Promise.race([runtime.ready('/Operations/Server'), run])
  logger.info(`look at its workers and jobs at ${container.resolve(Operations).url}`)
  await run
  logger.info('stopped')
}

async function demoInstead(every: Duration, logger: Logger): Promise<DemoRepository> {
  const demo = await DemoRepository.create(every)
  logger.info(`no git repository here, so this watches one made for the purpose, in ${demo.folder}`)
  container.register(DemoRepository, { useValue: demo })
  provideWorker(container, DemoRepository)
  return demo
}
