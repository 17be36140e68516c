// Leased work units: units of one spec list folders, and their output becomes units of the next spec, which reads files. A
// third spec starts a new round each minute.
//
//   DATABASE_URL=… folder-crawl.ts <folder> [<pause after each file>]
//
// crawls a folder until Ctrl-C. Start it several times: the processes share the work, and the units of one that is killed go
// to the others after ten seconds. Without a folder it creates a small one, and ends when that is read.
//
// prints:
//   /Crawl/Work started
//   /Crawl/Report started
//   /Crawl/Report 3 folders listed, 4 files read, 20 bytes
//   /Crawl/Report stopped
//   /Crawl/Work stopped
//   stopped
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type DeclarativeWorker, type Duration, Worker, type WorkerConfigurer } from 'runutil'
import { currentLogger, repeat, runProvidedWorkers, shutdownSignal, wait } from 'runutil'
import { type Attempt, CoordinateWorker, createCoordinate } from 'runutil/coordinate'
import { PostgresCoordinateStore, migrate, openDatabase } from 'runutil/postgres'
import { container } from 'tsyringe'
import { readableLogger } from './readable-logger.ts'

const database = await openDatabase(process.env['DATABASE_URL'] || 'memory:')
await migrate(database)
const namespace = await createCoordinate(new PostgresCoordinateStore(database)).namespace('crawl')
const folders = await namespace.setWorkSpec({ name: 'folders', then: 'files', runtime: 'node' })
const files = await namespace.setWorkSpec({ name: 'files', runtime: 'node' })
await namespace.setWorkSpec({
  name: 'look',
  then: 'folders',
  continuous: true,
  interval: 60,
  runtime: 'node',
})

const [given, pause = '0ms'] = process.argv.slice(2) as [string?, Duration?]
const root = given ?? (await smallTree())
const done = new AbortController()
let reported = ''

@Worker()
export class Crawl implements WorkerConfigurer {
  workers(): DeclarativeWorker[] {
    const tasks = { look, folders: listFolders, files: readFiles }
    return [
      { name: 'Work', worker: new CoordinateWorker({ namespace, tasks, lifetime: '10s', maxAttempts: 10 }) },
      { name: 'Report', worker: repeat('50ms', report) },
    ]
  }
}

/** The output of a finished unit creates units of the spec named in `then`. */
async function look([attempt]: Attempt[]): Promise<void> {
  await attempt!.finish({ output: [root] })
}

async function listFolders(attempts: Attempt[]): Promise<void> {
  await Promise.all(
    attempts.map(async (attempt) => {
      const entries = await readdir(attempt.workUnit.name, { withFileTypes: true })
      const paths = (isFolder: boolean): string[] =>
        entries
          .filter((entry) => entry.isDirectory() === isFolder)
          .map(({ name }) => join(attempt.workUnit.name, name))
      await folders.addWorkUnits(paths(true).map((name) => ({ name, data: {} })))
      await attempt.finish({ output: paths(false) })
    }),
  )
}

async function readFiles(attempts: Attempt[], signal: AbortSignal): Promise<void> {
  for (const attempt of attempts) {
    const { length } = await readFile(attempt.workUnit.name)
    await attempt.finish({ bytes: length })
    await wait(pause, signal)
  }
  if (given !== undefined) currentLogger().info(`read ${attempts.length} files`)
}

async function report(): Promise<void> {
  const counts = await Promise.all([folders, files].map((spec) => spec.countWorkUnitStatus()))
  const [listed, read] = counts.map(({ finished }) => finished)
  if (!listed || counts.some(({ available, pending }) => available + pending > 0)) return
  if (reported === `${listed} ${read}`) return
  reported = `${listed} ${read}`
  const units = [...(await files.workUnits()).values()]
  const sizes = await Promise.all(units.map(async (unit) => Number((await unit.data())['bytes'])))
  const bytes = sizes.reduce((sum, size) => sum + size, 0)
  currentLogger().info(`${listed} folders listed, ${read} files read, ${bytes} bytes`)
  if (given === undefined) done.abort()
}

async function smallTree(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'crawl-'))
  for (const path of ['a/1', 'a/2', 'b/3', '4']) {
    await mkdir(join(folder, path, '..'), { recursive: true })
    await writeFile(join(folder, path), 'bytes')
  }
  return folder
}

const logger = readableLogger()
await runProvidedWorkers(container, given === undefined ? done.signal : shutdownSignal(), { logger })
await database.close()
if (given === undefined) await rm(root, { recursive: true })
logger.info('stopped')
