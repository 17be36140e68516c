import type { Attributes } from '@opentelemetry/api'
import { LabelNames } from '../metrics/label-names.ts'

/** What is done to jobs, and as what the conventions of OpenTelemetry know it. */
const TYPES = { enqueue: 'send', claim: 'receive', handle: 'process', settle: 'settle' } as const

export type Operation = keyof typeof TYPES

/** So many kinds are told apart from each other at all. */
const MOST_KNOWN = 10_000

/** What metrics and spans say that they are about, by the semantic conventions 1.45. The same object each time: there is one a job. */
export class JobAttributes {
  readonly #known = new Set<string>()
  readonly #names = new LabelNames()
  readonly #made = new Map<string, Attributes>()

  /** What a kind is called in metrics: of more than 200, the rest is 'other'. */
  nameOf(kind: string): string {
    if (!this.#known.has(kind) && this.#known.size < MOST_KNOWN) {
      this.#known.add(kind)
      this.#names.update(this.#known)
    }
    return this.#names.of(kind)
  }

  /** Of a metric. @param kind undefined for several */
  of(operation: Operation, kind: string | undefined, errorType?: string): Attributes {
    const name = kind === undefined ? '' : this.nameOf(kind)
    const key = `${operation} ${errorType ?? ''} ${name}`
    const made = this.#made.get(key)
    if (made !== undefined) return made
    const attributes: Attributes = {
      ...operationAttributes(operation),
      ...(kind !== undefined && { 'messaging.destination.name': name }),
      ...(errorType !== undefined && { 'error.type': errorType }),
    }
    this.#made.set(key, attributes)
    return attributes
  }
}

export function operationAttributes(operation: Operation): Attributes {
  return {
    'messaging.system.name': 'runutil',
    'messaging.operation.name': operation,
    'messaging.operation.type': TYPES[operation],
  }
}
