import { type Bench, drainFor, scaled } from './cases.ts'
import { CONTENDERS, type ContenderName } from './contenders.ts'
import type { Programs } from './program.ts'
import type { Store } from './store.ts'
import type { StoreOptions, Stores } from './stores.ts'

interface BenchProps {
  readonly programs: Programs
  readonly stores: Stores
  readonly scale: number
}

/** A new store for each measurement. */
export function freshBench({ programs, stores, scale }: BenchProps): Bench {
  return {
    programs,
    scale,
    async withStore(contender, options, use) {
      const store = await stores.make(contender)
      await stores.setUp(contender, store, options)
      return use(store).finally(() => store.remove())
    },
  }
}

/** How a store comes to be what is measured in. */
export type Prepare = (bench: LastingBench, contender: ContenderName, store: Store) => Promise<void>

/** One store a contender for all measurements, prepared once. */
export class LastingBench implements Bench {
  readonly #props: BenchProps
  readonly #prepare: Prepare
  readonly #made = new Map<ContenderName, Promise<Store>>()
  readonly programs: Programs
  readonly scale: number

  constructor(props: BenchProps, prepare: Prepare) {
    this.#props = props
    this.#prepare = prepare
    this.programs = props.programs
    this.scale = props.scale
  }

  async withStore<T>(
    contender: ContenderName,
    options: StoreOptions,
    use: (store: Store) => Promise<T>,
  ): Promise<T> {
    const store = await this.#store(contender)
    await store.settle('vacuum analyze')
    await this.#props.stores.setUp(contender, store, options)
    const result = await use(store)
    if (options.leavesJobs) await this.runAll(contender, store)
    return result
  }

  async runAll(contender: ContenderName, { url }: Store): Promise<void> {
    // The same tables and the same jobs, only sooner.
    const fast = contender === 'graphile-worker' ? 'graphile-worker-best' : contender
    const { bestConcurrency: concurrency } = CONTENDERS[fast]
    const quietMs = Math.max(200, 2_000 * this.scale)
    await this.programs.run('run-all', fast, { url, concurrency, quietMs })
  }

  async remove(): Promise<void> {
    for (const store of this.#made.values()) await (await store).remove()
  }

  #store(contender: ContenderName): Promise<Store> {
    const made = this.#made.get(contender) ?? this.#make(contender)
    this.#made.set(contender, made)
    return made
  }

  async #make(contender: ContenderName): Promise<Store> {
    const store = await this.#props.stores.make(contender)
    await this.#props.stores.setUp(contender, store, {})
    await this.#prepare(this, contender, store)
    return store
  }
}

/** So many jobs that are due in a year, and as many that have ended. */
export function withHistory(jobs: number): Prepare {
  return async (bench, contender, store) => {
    const options = { url: store.url, count: scaled(bench, jobs) }
    await bench.programs.run('fill', contender, { ...options, later: true })
    if (!CONTENDERS[contender].keeps) return
    await bench.programs.run('fill', contender, options)
    await bench.runAll(contender, store)
  }
}

/** For a minute jobs have been drained while another connection held a transaction open, and it stays open. */
export async function besideTransaction(
  bench: LastingBench,
  contender: ContenderName,
  store: Store,
): Promise<void> {
  await store.holdTransaction()
  await drainFor(60_000 * bench.scale, bench, contender, store)
  await bench.runAll(contender, store)
}
