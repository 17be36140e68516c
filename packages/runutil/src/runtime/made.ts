import type { DependencyContainer } from 'tsyringe'
import { shared } from '../core/shared.ts'

/** The tsyringe internals that runutil uses: the objects that a container will dispose of, and whether it has. */
interface Disposing {
  disposables?: Set<unknown>
  disposed?: boolean
}

/** Where the container caches an instance. */
export interface Kept {
  instance?: unknown
}

const known = shared('made', () => new WeakMap<object, Made>())
const counter = shared('made-count', () => ({ count: 0 }))

/** The runs that have not disposed of their objects yet. */
export const liveRuns = shared('runs', () => new Set<{ readonly uses: ReadonlySet<Made> }>())

/** An object that a container constructed while a run of ours resolved its classes. */
export class Made {
  readonly instance: object
  /** Its dependencies; lazily resolved ones are added later. */
  readonly needs: ReadonlySet<Made>
  /** Later ones may depend on earlier ones. */
  readonly order = ++counter.count
  readonly #container: Disposing
  readonly #keptIn = new Set<Kept>()
  /** A factory returned it: then it belongs to the caller, unless it was also injected by its class. */
  isProduct = false
  isInjected = false

  constructor(instance: object, needs: ReadonlySet<Made>, container: DependencyContainer) {
    this.instance = instance
    this.needs = needs
    this.#container = container as Disposing
    known.set(instance, this)
  }

  static of(instance: unknown): Made | undefined {
    return typeof instance === 'object' && instance !== null ? known.get(instance) : undefined
  }

  get name(): string {
    return `disposing ${(this.instance.constructor as { name?: string } | undefined)?.name ?? 'an object'}`
  }

  get isShared(): boolean {
    return this.#keptIn.size > 0
  }

  keptIn(registration: Kept): void {
    this.#keptIn.add(registration)
  }

  /** Disposes of it. The container then constructs a new one, and does not dispose of this one again. */
  async dispose(): Promise<void> {
    for (const registration of this.#keptIn) {
      if (registration.instance === this.instance) registration.instance = undefined
    }
    const { disposables, disposed } = this.#container
    const isItsOwn = disposables?.delete(this.instance) === true
    // `container.dispose()` has disposed of it already.
    if (isItsOwn && disposed === true) return
    await disposerOf(this.instance)?.call(this.instance)
  }
}

/** These objects and all their dependencies. */
export function closureOf(roots: Iterable<Made>, follow: (made: Made) => boolean = () => true): Set<Made> {
  const all = new Set(roots)
  // Iterating a set includes what is added meanwhile.
  for (const made of all) for (const needed of made.needs) if (follow(needed)) all.add(needed)
  return all
}

function disposerOf(instance: object): (() => unknown) | undefined {
  const { [Symbol.asyncDispose]: asyncDispose, dispose } = instance as Record<PropertyKey, unknown>
  const disposer = asyncDispose ?? dispose
  return typeof disposer === 'function' ? (disposer as () => unknown) : undefined
}
