import { type Worker, wait } from 'runutil'
import { type Attempt, type Coordinate, CoordinateWorker, createCoordinate } from 'runutil/coordinate'
import type { Namespace } from 'runutil/coordinate'
import { type Database, PostgresCoordinateStore } from 'runutil/postgres'

/** Looks at sites each half minute, and reads the pages found there. */
export class Crawl {
  readonly coordinate: Coordinate
  readonly #namespace: Namespace

  private constructor(coordinate: Coordinate, namespace: Namespace) {
    this.coordinate = coordinate
    this.#namespace = namespace
  }

  static async create(database: Database): Promise<Crawl> {
    const coordinate = createCoordinate(new PostgresCoordinateStore(database))
    const namespace = await coordinate.namespace('crawl')
    const sites = { name: 'sites', then: 'pages', continuous: true, interval: 30, runtime: 'node' }
    await namespace.setWorkSpec(sites)
    await namespace.setWorkSpec({ name: 'pages', priority: 1, max_running: 4, runtime: 'node' })
    const archive = await namespace.setWorkSpec({ name: 'archive', disabled: true, runtime: 'node' })
    await archive.addWorkUnits(pagesOf('the archive', 12).map((name) => ({ name, data: {} })))
    return new Crawl(coordinate, namespace)
  }

  worker(): Worker {
    const tasks = { sites: look, pages: read, archive: read }
    return new CoordinateWorker({ namespace: this.#namespace, tasks, maxAttempts: 2, concurrency: 3 })
  }
}

async function look([attempt]: Attempt[]): Promise<void> {
  await attempt!.finish({ output: pagesOf(new Date().toISOString(), 20) })
}

function pagesOf(site: string, count: number): string[] {
  return Array.from({ length: count }, (_, page) => `${site}, page ${page + 1}`)
}

async function read(attempts: Attempt[], signal: AbortSignal): Promise<void> {
  for (const attempt of attempts) {
    await wait('800ms', signal)
    if (signal.aborted) return
    if (attempt.workUnit.name.endsWith('7')) await attempt.fail({ reason: 'no such page' })
    else await attempt.finish({ bytes: attempt.workUnit.name.length * 1_000 })
  }
}
