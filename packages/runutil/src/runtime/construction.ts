import type { DependencyContainer, InjectionToken } from 'tsyringe'
import { toError } from '../core/errors.ts'
import { untoldParameter } from './diagnosis.ts'
import type { Constructor } from './parameters.ts'

/**
 * What runutil needs of tsyringe beyond its public face, all in this file. tsyringe tells nobody what it made,
 * disposes in the order of making, without waiting, and keeps handing out a singleton that it has disposed.
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
interface Registration {
  provider: { useFactory?: unknown }
  instance?: unknown
}

/** The container that this one is a child of. */
export function parentOf(container: DependencyContainer): DependencyContainer | undefined {
  return (container as Internals).parent
}

/** What was made while resolving, in that order, and how to end it. */
export class Construction {
  readonly #container: DependencyContainer
  readonly #shared: ReadonlySet<Function>
  readonly #instances = new Map<Function, unknown>()
  readonly #made = new Set<unknown>()
  readonly #singletons: Registration[] = []

  /** @param shared classes to be made once, for all who depend on them */
  constructor(container: DependencyContainer, shared: ReadonlySet<Function>) {
    this.#container = container
    this.#shared = shared
  }

  /** Resolves a class, and takes note of everything that has to be made for it. */
  resolve(type: Function): unknown {
    return this.#resolve(type as InjectionToken)
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
    internals.construct = (type, context) => {
      // Resolved when it is first used: of that, too, note is taken.
      if ('createProxy' in type) return type.createProxy((token) => this.#resolve(token, context))
      if (this.#instances.has(type)) return this.#instances.get(type)
      if (untoldParameter(type) !== undefined) {
        throw new TypeError(type.name)
      }
      const instance = construct.call(internals, type, context)
      if (this.#shared.has(type)) this.#instances.set(type, instance)
      this.#made.add(instance)
      return instance
    }
    internals.resolveRegistration = (registration, context) => {
      const existed = registration.instance !== undefined
      const instance = resolveRegistration.call(internals, registration, context)
      if (registration.provider.useFactory !== undefined) this.#made.add(instance)
      if (!existed && registration.instance !== undefined) this.#singletons.push(registration)
      return instance
    }
  }

  /**
   * Ends everything that was made, the last first, one after another. What the caller had before is left alone.
   *
   * @returns the errors of those that failed to end
   */
  async dispose(): Promise<{ worker: string; error: Error }[]> {
    const failures: { worker: string; error: Error }[] = []
    for (const instance of [...this.#made].reverse()) {
      try {
        await disposerOf(instance)?.call(instance)
      } catch (error) {
        failures.push({ worker: `disposing ${(instance as object).constructor.name}`, error: toError(error) })
      }
    }
    // The next run makes new ones.
    for (const registration of this.#singletons) registration.instance = undefined
    return failures
  }
}

function disposerOf(instance: unknown): (() => unknown) | undefined {
  const { [Symbol.asyncDispose]: asyncDispose, dispose } = (instance ?? {}) as Record<PropertyKey, unknown>
  const disposer = asyncDispose ?? dispose
  return typeof disposer === 'function' ? (disposer as () => unknown) : undefined
}
