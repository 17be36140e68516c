import {
  type DeclarativeWorker,
  Worker,
  type WorkerConfigurer,
  backoff,
  currentLogger,
  repeat,
} from 'runutil'
import { sayingRecovery } from './recovery.ts'
import type { Ref } from './refs.ts'
import { Repository } from './repository.ts'
import { WATCH_SETTINGS, type WatchSettings } from './watch-settings.ts'

/** Reports branches and tags that are new, moved or deleted. */
@Worker({ inject: [Repository, WATCH_SETTINGS] })
export class RefWatcher implements WorkerConfigurer {
  readonly #repository: Repository
  readonly #settings: WatchSettings
  /** By kind and name; undefined before the first look. */
  #known: Map<string, Ref> | undefined

  constructor(repository: Repository, settings: WatchSettings) {
    this.#repository = repository
    this.#settings = settings
  }

  workers(): DeclarativeWorker[] {
    const watch = sayingRecovery(() => this.#watchRefs())
    return [
      {
        name: 'Refs',
        worker: repeat(this.#settings.every, watch, { startImmediately: true }),
        retry: backoff({ initial: '1s', max: '1m', jitterProportion: 0.5 }),
      },
    ]
  }

  async #watchRefs(): Promise<void> {
    const refs = await this.#repository.refs()
    const known = this.#known
    this.#known = new Map(refs.map((ref) => [labelOf(ref), ref]))
    const lines = known === undefined ? [summaryOf(refs)] : changes(known, this.#known)
    for (const line of lines) currentLogger().info(line)
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

function labelOf({ kind, name }: Ref): string {
  return `${kind} ${name}`
}

function short(id: string): string {
  return id.slice(0, 7)
}
