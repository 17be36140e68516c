/** So many names are values of a label. */
const MOST_NAMES = 200
const OTHER = 'other'

/**
 * What kinds, or specs, are called in labels: of more than 200, the rest is 'other'. One that is among the others stays there, and none
 * leaves its series while there is anything of it, so that counters never go back.
 */
export class LabelNames {
  readonly #own = new Set<string>()
  readonly #others = new Set<string>()

  /** To be called for each scrape. @param names all that there are now */
  update(names: ReadonlySet<string>): void {
    for (const known of [this.#own, this.#others]) {
      for (const name of known) if (!names.has(name)) known.delete(name)
    }
    for (const name of names) {
      if (this.#own.has(name) || this.#others.has(name)) continue
      if (this.#own.size < MOST_NAMES) this.#own.add(name)
      else this.#others.add(name)
    }
  }

  of(name: string): string {
    return this.#own.has(name) ? name : OTHER
  }

  /** All, by what they are called in labels. */
  grouped<T>(all: Iterable<T>, nameOf: (one: T) => string): Map<string, T[]> {
    const groups = new Map<string, T[]>()
    for (const one of all) {
      const name = this.of(nameOf(one))
      const group = groups.get(name)
      if (group === undefined) groups.set(name, [one])
      else group.push(one)
    }
    return groups
  }
}
