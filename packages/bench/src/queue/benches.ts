import type { Bench } from './cases.ts'
import { CONTENDERS, type ContenderName } from './contenders.ts'
import type { Programs } from './program.ts'
import type { Store, StoreOptions, Stores } from './stores.ts'

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

/** One store a contender, with so many jobs that are due in a year and as many that have ended. */
export class HistoryBench implements Bench {
  readonly #props: BenchProps
  readonly #count: number
  readonly #made = new Map<ContenderName, Promise<Store>>()
  readonly programs: Programs
  readonly scale: number

  constructor(props: BenchProps, count: number) {
    this.#props = props
    this.#count = Math.max(20, Math.round(count * props.scale))
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
    if (options.leavesJobs) await this.#runAll(contender, store)
    return result
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
    const { stores, programs } = this.#props
    const { keeps } = CONTENDERS[contender]
    const count = this.#count
    const store = await stores.make(contender)
    await stores.setUp(contender, store, {})
    const { url } = store
    await programs.run('fill', contender, { url, count, later: true })
    if (keeps) {
      await programs.run('fill', contender, { url, count })
      await this.#runAll(contender, store)
    }
    return store
  }

  async #runAll(contender: ContenderName, { url }: Store): Promise<void> {
    const { bestConcurrency: concurrency } = CONTENDERS[contender]
    const quietMs = Math.max(200, 2_000 * this.scale)
    await this.programs.run('run-all', contender, { url, concurrency, quietMs })
  }
}
