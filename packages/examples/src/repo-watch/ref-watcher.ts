import { type DeclarativeWorker, Worker, type WorkerConfigurer, backoff, currentLogger } from 'runutil'
import { currentFence, distributedRepeat } from 'runutil/leases'
import { PostgresLeaseStore } from 'runutil/postgres'
import { KnownRefs } from './known-refs.ts'
import { sayingRecovery } from './recovery.ts'
import type { Ref } from './refs.ts'
import { Repository } from './repository.ts'
import { WatchDatabase } from './watch-database.ts'
import { WATCH_SETTINGS, type WatchSettings } from './watch-settings.ts'

/**
 * Reports branches and tags that are new, moved or deleted. Among several copies of the program on one database, one looks in
 * each interval, and all of them share what it has seen.
 */
@Worker({ inject: [Repository, WatchDatabase, WATCH_SETTINGS] })
export class RefWatcher implements WorkerConfigurer {
  readonly #repository: Repository
  readonly #database: WatchDatabase
  readonly #settings: WatchSettings
  #looked = false

  constructor(repository: Repository, database: WatchDatabase, settings: WatchSettings) {
    this.#repository = repository
    this.#database = database
    this.#settings = settings
  }

  workers(): DeclarativeWorker[] {
    const watch = sayingRecovery(() => this.#watchRefs())
    const leases = new PostgresLeaseStore(this.#database.database)
    return [
      {
        name: 'Refs',
        worker: distributedRepeat(leases, `refs of ${this.#repository.folder}`, this.#settings.every, watch),
        retry: backoff({ initial: '1s', max: '1m', jitterProportion: 0.5 }),
      },
    ]
  }

  async #watchRefs(): Promise<void> {
    const known = await KnownRefs.open(this.#database.database, this.#repository.folder)
    const before = await known.load()
    const now = await this.#repository.refs()
    if (!(await known.save(now, currentFence()!))) return
    const summary = this.#looked ? [] : [summaryOf(now)]
    this.#looked = true
    for (const line of [...summary, ...changes(byLabel(before ?? now), byLabel(now))])
      currentLogger().info(line)
  }
}

function changes(before: Map<string, Ref>, after: Map<string, Ref>): string[] {
  const lines: string[] = []
  for (const [label, { id }] of after) {
    const old = before.get(label)?.id
    if (old === undefined) lines.push(`new ${label} at ${short(id)}`)
    else if (old !== id) lines.push(`${label} moved from ${short(old)} to ${short(id)}`)
  }
  for (const [label, { id }] of before) {
    if (!after.has(label)) lines.push(`${label} deleted, was at ${short(id)}`)
  }
  return lines
}

function summaryOf(refs: Ref[]): string {
  const branches = refs.filter(({ kind }) => kind === 'branch').map(({ name }) => name)
  const names = branches.slice(0, 5).join(', ') + (branches.length > 5 ? ', …' : '')
  const listed = names === '' ? '' : ` (${names})`
  return `branches: ${branches.length}${listed}, tags: ${refs.length - branches.length}`
}

function byLabel(refs: Ref[]): Map<string, Ref> {
  return new Map(refs.map((ref) => [labelOf(ref), ref]))
}

function labelOf({ kind, name }: Ref): string {
  return `${kind} ${name}`
}

function short(id: string): string {
  return id.slice(0, 7)
}
