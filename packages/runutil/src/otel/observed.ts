import type { Attributes, BatchObservableResult, Observable } from '@opentelemetry/api'

export interface Observation {
  readonly value: number
  readonly attributes: Attributes
}

/** Values of an observable instrument. Several of the same attributes are added up. */
export class Observed {
  readonly instrument: Observable
  readonly #isCounter: boolean
  readonly #told = new Map<string, Attributes>()

  constructor(instrument: Observable, { isCounter = false }: { isCounter?: boolean } = {}) {
    this.instrument = instrument
    this.#isCounter = isCounter
  }

  observe(result: BatchObservableResult, all: readonly Observation[]): void {
    const sums = new Map<string, number>()
    for (const { value, attributes } of all) {
      const key = JSON.stringify(attributes)
      sums.set(key, (sums.get(key) ?? 0) + value)
      this.#told.set(key, attributes)
    }
    for (const [key, attributes] of this.#told) {
      // An SDK goes on telling the last value of what is gone, as a counter has to.
      const value = sums.get(key) ?? (this.#isCounter ? undefined : 0)
      if (value !== undefined) result.observe(this.instrument, value, attributes)
    }
  }
}
