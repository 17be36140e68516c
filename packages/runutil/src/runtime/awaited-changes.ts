import { unobserved } from './unobserved.ts'

export interface AwaitedChangesProps {
  /** Called when somebody begins to wait, or no longer does. */
  readonly onWaiting: () => void
  /** Why nothing will change any more; undefined as long as something may. */
  readonly endedWith: () => Error | undefined
}

/** Those who wait for a state that a run is to reach. */
export class AwaitedChanges {
  readonly #props: AwaitedChangesProps
  readonly #waiting = new Set<() => void>()

  constructor(props: AwaitedChangesProps) {
    this.#props = props
  }

  get isAny(): boolean {
    return this.#waiting.size > 0
  }

  /** Something has changed: each looks again. */
  changed(): void {
    for (const look of [...this.#waiting]) look()
  }

  /** Resolves when `look`, called now and at each change, returns true. @throws what it throws; why the run has ended */
  until(look: () => boolean): Promise<void> {
    const { onWaiting, endedWith } = this.#props
    const reached = new Promise<void>((resolve, reject) => {
      const again = (): void => {
        try {
          if (look()) resolve()
          else {
            const ended = endedWith()
            if (ended === undefined) return
            reject(ended)
          }
        } catch (error) {
          // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- the reason of an abort may be anything
          reject(error)
        }
        this.#waiting.delete(again)
        onWaiting()
      }
      this.#waiting.add(again)
      onWaiting()
      again()
    })
    return unobserved(reached)
  }
}
