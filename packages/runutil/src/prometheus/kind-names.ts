/** So many kinds have series of their own. */
const MOST_KINDS = 200
const OTHER = 'other'

/**
 * What kinds are called in labels: of more than 200, the rest is 'other'. One that is among the others stays there, and no kind leaves
 * its series while there is anything of it, so that counters never go back.
 */
export class KindNames {
  readonly #own = new Set<string>()
  readonly #others = new Set<string>()

  /** To be called for each scrape. @param kinds all that there are now */
  update(kinds: ReadonlySet<string>): void {
    for (const known of [this.#own, this.#others]) {
      for (const kind of known) if (!kinds.has(kind)) known.delete(kind)
    }
    for (const kind of kinds) {
      if (this.#own.has(kind) || this.#others.has(kind)) continue
      if (this.#own.size < MOST_KINDS) this.#own.add(kind)
      else this.#others.add(kind)
    }
  }

  of(kind: string): string {
    return this.#own.has(kind) ? kind : OTHER
  }

  /** What is of each kind, by the name that it has in labels. */
  grouped<T extends { readonly kind: string }>(all: Iterable<T>): Map<string, T[]> {
    const groups = new Map<string, T[]>()
    for (const one of all) {
      const name = this.of(one.kind)
      const group = groups.get(name)
      if (group === undefined) groups.set(name, [one])
      else group.push(one)
    }
    return groups
  }
}
