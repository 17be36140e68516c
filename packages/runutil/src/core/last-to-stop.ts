/** A worker, as far as its end goes. */
export interface EndingWorker {
  readonly parent: EndingWorker | undefined
  /** Whether it was told to stop, and has not ended. */
  isEnding: boolean
}

/**
 * Where groups wait during the stop of a run with what they stop last: until nobody in the whole run is about to end, other than
 * those that wait for them. Nobody who has yet to be told to stop counts: it waits for them as well, or it is told in the same turn.
 */
export class LastToStop {
  #ending = 0
  readonly #waiting = new Map<EndingWorker, () => void>()

  /** The worker was told to stop. */
  began(worker: EndingWorker): void {
    if (worker.isEnding) return
    worker.isEnding = true
    this.#ending++
  }

  /** It has ended or was given up. Call `look` once those that come before it have been told to stop. */
  ended(worker: EndingWorker): void {
    if (!worker.isEnding) return
    worker.isEnding = false
    this.#ending--
  }

  /** @param group whoever runs what is to stop last @param release called once, never at once */
  wait(group: EndingWorker, release: () => void): void {
    this.#waiting.set(group, release)
    // The stop of the run is still being passed on.
    void Promise.resolve().then(() => this.look())
  }

  leave(group: EndingWorker): void {
    this.#waiting.delete(group)
  }

  look(): void {
    if (this.#waiting.size === 0 || this.#ending > this.#aroundThem().size) return
    const releases = [...this.#waiting.values()]
    this.#waiting.clear()
    for (const release of releases) release()
  }

  /** Those that can only end after the ones that wait. */
  #aroundThem(): Set<EndingWorker> {
    const around = new Set<EndingWorker>()
    for (const group of this.#waiting.keys()) {
      for (let at: EndingWorker | undefined = group; at !== undefined; at = at.parent) {
        if (at.isEnding) around.add(at)
      }
    }
    return around
  }
}
