import type { Child } from './child.ts'

export interface CensusProps {
  /** None is left that isn't done. */
  readonly onAllDone: () => void
  /** None is left that has to be ready, and isn't. */
  readonly onReady: () => void
}

/** How many of a group aren't done, and how many aren't ready. */
export class Census {
  readonly #props: CensusProps
  #open = 0
  #unready = 0

  constructor(children: readonly Child[], props: CensusProps) {
    this.#props = props
    for (const child of children) this.add(child)
  }

  add(child: Child): void {
    this.#open++
    if (isMissing(child)) this.#unready++
  }

  /** It has been stopped before. */
  remove(child: Child): void {
    if (!isDone(child)) this.done()
  }

  done(): void {
    this.#open--
    if (this.#open === 0) this.#props.onAllDone()
  }

  /** It is about to start. */
  starts(child: Child): void {
    if (isDone(child)) this.#open++
  }

  /** Whether it is ready has changed. */
  turned(child: Child): void {
    if (counts(child)) this.#count(child.isUp ? -1 : 1)
  }

  /** An operator has stopped it, or starts it again. */
  setStopped(child: Child, isStopped: boolean): void {
    const was = isMissing(child)
    child.isStopped = isStopped
    const is = isMissing(child)
    if (was !== is) this.#count(is ? 1 : -1)
  }

  get areReady(): boolean {
    return this.#unready === 0
  }

  #count(change: number): void {
    this.#unready += change
    if (this.#unready === 0) this.#props.onReady()
  }
}

function isMissing(child: Child): boolean {
  return counts(child) && !child.isUp
}

/** Whether its supervisor is ready only when it is. */
function counts({ spec, isStopped }: Child): boolean {
  return spec.restart !== 'temporary' && !isStopped
}

function isDone({ record, spec }: Child): boolean {
  return record.state === 'done' || (spec.restart === 'temporary' && record.state === 'failed')
}
