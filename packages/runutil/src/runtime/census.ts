import type { Child } from './child.ts'

export interface CensusProps {
  /** Called when all children are done. */
  readonly onAllDone: () => void
  /** Called when all children that count are ready. */
  readonly onReady: () => void
}

/** Counts the children of a group that are not done, and those that are not ready. */
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

  /** For a child that has been stopped. */
  remove(child: Child): void {
    if (!isDone(child)) this.done()
  }

  done(): void {
    this.#open--
    if (this.#open === 0) this.#props.onAllDone()
  }

  /** For a child that is about to start. */
  starts(child: Child): void {
    if (isDone(child)) this.#open++
  }

  /** For a child that has become ready, or no longer is. */
  turned(child: Child): void {
    if (counts(child)) this.#count(child.isUp ? -1 : 1)
  }

  /** For a child that an operator stops, or starts again. */
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

/** Whether its supervisor's readiness depends on it. */
function counts({ spec, isStopped }: Child): boolean {
  return spec.restart !== 'temporary' && !isStopped
}

function isDone({ record, spec }: Child): boolean {
  return record.state === 'done' || (spec.restart === 'temporary' && record.state === 'failed')
}
