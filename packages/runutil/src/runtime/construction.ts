import type { DependencyContainer, InjectionToken } from 'tsyringe'
import type { WorkerEntry } from '../core/worker-registry.ts'
import { diagnose } from './diagnosis.ts'
import { type Kept, Made, closureOf, liveRuns } from './made.ts'
import { type Constructor, inheritTokens, untoldParameter } from './parameters.ts'
import type { Token } from './tokens.ts'

/**
 * The tsyringe internals that runutil uses, in this file and `made`. tsyringe does not report what it constructed, disposes in the
 * order of construction without waiting, and keeps returning a singleton that it has disposed of.
 */
interface Internals {
  parent?: DependencyContainer
  resolve(token: InjectionToken, ...context: unknown[]): unknown
  construct?: Construct
  resolveRegistration?: (registration: Registration, context: unknown) => unknown
}
type Construct = (type: Constructor | Delayed, context: unknown) => unknown
/** What `delay(() => Type)` gives. */
interface Delayed {
  createProxy(make: (token: InjectionToken) => unknown): unknown
}
interface Registration extends Kept {
  provider: { useFactory?: unknown }
}

/** A class or factory being called, and the dependencies it has received so far. */
interface Frame {
  readonly needs: Set<Made>
  readonly isFactory: boolean
}

/** The container that this one is a child of. */
export function parentOf(container: DependencyContainer): DependencyContainer | undefined {
  return (container as Internals).parent
}

/** A class in this many resolutions at once means endless recursion. */
const MOST_AT_ONCE = 20

/** Resolves the classes of a run and records what was constructed for them: the run disposes of it once no other run uses it. */
export class Construction {
  readonly uses = new Set<Made>()
  readonly #container: DependencyContainer
  readonly #workers: ReadonlyMap<Function, WorkerEntry>
  /** The tokens that a container was given for the parameters of classes. */
  readonly #tokens: ReadonlyMap<Function, readonly Token[]>
  readonly #instances = new Map<Function, unknown>()
  readonly #frames: Frame[] = []
  readonly #underWay: { type: Constructor; context: unknown }[] = []
  /** What remains to be disposed of, the next one last. */
  #left: Made[] | undefined

  /** @param workers classes to construct once, shared by all dependents */
  constructor(container: DependencyContainer, workers: ReadonlyMap<Function, WorkerEntry>) {
    this.#container = container
    this.#workers = workers
    this.#tokens = new Map(
      [...workers].flatMap(([type, { inject }]) => (inject ? [[type, inject as Token[]]] : [])),
    )
    liveRuns.add(this)
  }

  /**
   * Resolves a class, and records everything that is constructed for it.
   *
   * @throws WorkerResolutionError
   */
  resolve(type: Function): unknown {
    try {
      return this.#resolve(type as InjectionToken)
    } catch (error) {
      throw diagnose(this.#container, type, error, this.#tokens)
    }
  }

  /**
   * The next object to dispose of, in reverse order of construction: owned by the container, and used by no other run. Later
   * resolutions construct new ones.
   */
  next(): Made | undefined {
    this.#left ??= [...closureOf(this.uses)].sort((a, b) => a.order - b.order)
    for (let made = this.#left.pop(); made !== undefined; made = this.#left.pop()) {
      const isOurs = !productsIn(this.uses).has(made)
      this.uses.delete(made)
      if (isOurs && !this.#isUsedElsewhere(made)) return made
    }
    liveRuns.delete(this)
    return undefined
  }

  #isUsedElsewhere(made: Made): boolean {
    return [...liveRuns].some((run) => run !== this && closureOf(run.uses).has(made))
  }

  #resolve(token: InjectionToken, ...context: unknown[]): unknown {
    const internals = this.#container as Internals
    if (Object.hasOwn(internals, 'construct')) return internals.resolve(token, ...context)
    this.#observe(internals)
    try {
      return internals.resolve(token, ...context)
    } finally {
      // Uncovers the methods of the prototype again.
      delete internals.construct
      delete internals.resolveRegistration
    }
  }

  #observe(internals: Internals): void {
    const { construct, resolveRegistration } = internals
    if (construct === undefined || resolveRegistration === undefined) return
    internals.construct = (type, context) =>
      'createProxy' in type
        ? this.#later(type, context)
        : this.#construct(type, context, () => {
            const tokens = this.#tokens.get(type)
            if (tokens === undefined) return construct.call(internals, type, context)
            return new type(...tokens.map((token) => internals.resolve(token, context)))
          })
    internals.resolveRegistration = (registration, context) =>
      this.#handOut(registration, () => resolveRegistration.call(internals, registration, context))
  }

  /** Records a class that is resolved at its first use, as a dependency of what is being constructed now. */
  #later(type: Delayed, context: unknown): unknown {
    const frame = this.#frames.at(-1) ?? { needs: new Set(), isFactory: false }
    return type.createProxy((token) => this.#within(frame, () => this.#resolve(token, context)))
  }

  #construct(type: Constructor, context: unknown, construct: () => unknown): unknown {
    if (this.#instances.has(type)) return this.#seen(this.#instances.get(type))
    inheritTokens(type)
    const isTold = this.#tokens.has(type)
    if (!isTold && untoldParameter(type, this.#workers.has(type)) !== undefined)
      throw new TypeError(type.name)
    this.#checkCircle(type, context)
    this.#underWay.push({ type, context })
    try {
      const frame: Frame = { needs: new Set(), isFactory: false }
      const instance = this.#within(frame, construct) as object
      if (this.#workers.has(type)) this.#instances.set(type, instance)
      if (Made.of(instance) === undefined) new Made(instance, frame.needs, this.#container)
      return this.#seen(instance)
    } finally {
      this.#underWay.pop()
    }
  }

  /** tsyringe would recurse until the stack overflows, with a message that grows quadratically. */
  #checkCircle(type: Constructor, context: unknown): void {
    const same = this.#underWay.filter((other) => other.type === type)
    if (same.length < MOST_AT_ONCE && !same.some((other) => other.context === context)) return
    throw new TypeError(`${type.name} is needed to make ${type.name}: a circular dependency`)
  }

  #handOut(registration: Registration, resolve: () => unknown): unknown {
    const hadInstance = registration.instance !== undefined
    const isFactory = registration.provider.useFactory !== undefined
    const frame: Frame = { needs: new Set(), isFactory }
    const instance = isFactory ? this.#within(frame, resolve) : resolve()
    const made = Made.of(instance)
    if (isFactory) {
      if (made !== undefined) made.isProduct = true
      const around = this.#frames.at(-1)
      for (const needed of frame.needs) around?.needs.add(needed)
      return instance
    }
    if (!hadInstance && registration.instance !== undefined) made?.keptIn(registration)
    return this.#seen(instance)
  }

  /** Records that it is needed by what is being constructed, or by a class of the run. */
  #seen(instance: unknown): unknown {
    const made = Made.of(instance)
    if (made === undefined) return instance
    const around = this.#frames.at(-1)
    around?.needs.add(made)
    if (around?.isFactory !== true) made.isInjected = true
    if (!this.uses.has(made)) this.#left?.push(made)
    this.uses.add(made)
    return instance
  }

  #within<T>(frame: Frame, body: () => T): T {
    this.#frames.push(frame)
    try {
      return body()
    } finally {
      this.#frames.pop()
    }
  }
}

/** What factories returned, with everything constructed only for them. */
function productsIn(uses: ReadonlySet<Made>): Set<Made> {
  const products = [...uses].filter((made) => made.isProduct && !made.isInjected)
  return closureOf(products, (made) => !made.isShared)
}
