import type { DependencyContainer, InjectionToken } from 'tsyringe'
import type { WorkerEntry } from '../core/worker-registry.ts'
import { diagnose } from './diagnosis.ts'
import { type Kept, Made, closureOf, liveRuns } from './made.ts'
import { type Constructor, inheritTokens, untoldParameter } from './parameters.ts'
import type { Token } from './tokens.ts'

/**
 * What runutil uses of tsyringe's internals, in this file and `made`. tsyringe does not report what it constructed, disposes in the
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

/** A class or a factory that is being called, and what it has been given so far. */
interface Frame {
  readonly needs: Set<Made>
  readonly isFactory: boolean
}

/** The container that this one is a child of. */
export function parentOf(container: DependencyContainer): DependencyContainer | undefined {
  return (container as Internals).parent
}

/** A class is under way in so many resolutions at once only if there is no end to it. */
const MOST_AT_ONCE = 20

/** What a run resolves, and what was constructed for that: the run disposes of it, once no other run uses it. */
export class Construction {
  readonly uses = new Set<Made>()
  readonly #container: DependencyContainer
  readonly #workers: ReadonlyMap<Function, WorkerEntry>
  /** What a container was told of the parameters of classes. */
  readonly #tokens: ReadonlyMap<Function, readonly Token[]>
  readonly #instances = new Map<Function, unknown>()
  readonly #frames: Frame[] = []
  readonly #underWay: { type: Constructor; context: unknown }[] = []
  /** What has to be disposed of yet, the next one last. */
  #left: Made[] | undefined

  /** @param workers classes to be made once, for all who depend on them */
  constructor(container: DependencyContainer, workers: ReadonlyMap<Function, WorkerEntry>) {
    this.#container = container
    this.#workers = workers
    this.#tokens = new Map(
      [...workers].flatMap(([type, { inject }]) => (inject ? [[type, inject as Token[]]] : [])),
    )
    liveRuns.add(this)
  }

  /**
   * Resolves a class, and takes note of everything that has to be made for it.
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
   * What is to be disposed of next, the last made first: nobody's but the container's, and used by no other run. Whoever
   * resolves from now on gets new ones.
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
      // They were inherited from the prototype, and are again.
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

  /** Resolved when it is first used: of that, too, note is taken, and it is needed by what is under way now. */
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

  /** tsyringe would go round until the stack is full, with a message that grows with the square of that. */
  #checkCircle(type: Constructor, context: unknown): void {
    const same = this.#underWay.filter((other) => other.type === type)
    if (same.length < MOST_AT_ONCE && !same.some((other) => other.context === context)) return
    throw new TypeError(`${type.name} is needed to make ${type.name}: a circle`)
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

  /** Takes note that it is needed by what is under way, or by a class of the run. */
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

/** What factories returned, with all that was made for these alone. */
function productsIn(uses: ReadonlySet<Made>): Set<Made> {
  const products = [...uses].filter((made) => made.isProduct && !made.isInjected)
  return closureOf(products, (made) => !made.isShared)
}
