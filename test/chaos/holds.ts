import type { AuditEvent } from './audit.ts'

/** One job under one claim, from when it was handed out to how that ended. */
export interface Hold {
  readonly id: string
  readonly worker: string
  readonly claim: number
  /** In ms of the wall clock, as `until`. */
  readonly from: number
  /**
   * `ended`: it came to its end under this claim. `let go`: given back, or to be run again. `expired`: the lease was
   * over, and then it was freed. `robbed`: freed although the lease wasn't over, which must not be.
   */
  how: 'open' | 'ended' | 'let go' | 'expired' | 'robbed'
  /** Of an expired one, the end of its lease and not when that was found out. */
  until: number
}

/** What the audit says of each job: it is followed in the order of the database. */
export class Holds {
  /** By job, in the order of the claims. */
  readonly of = new Map<string, Hold[]>()
  /** Handed out while another claim held them. */
  readonly doubled: string[] = []
  /** Ended by a claim that wasn't the newest that had been handed out, or that had been over. */
  readonly stale: string[] = []
  /** Changed after their end. */
  readonly changed: string[] = []
  readonly #byClaim = new Map<number, Hold[]>()

  constructor(events: readonly AuditEvent[]) {
    for (const event of events) this.#follow(event)
  }

  #follow(event: AuditEvent): void {
    switch (event.type) {
      case 'claimed':
        return this.#claimed(event)
      case 'let go': {
        const isMeant = new Set(event.ids)
        return this.#close(event.claim, 'let go', event.at, ({ id }) => isMeant.has(id))
      }
      case 'gone':
        return this.#close(event.claim, event.at < event.expiresAt ? 'robbed' : 'expired', event.expiresAt)
      case 'ended':
        return this.#ended(event)
      default:
        return event satisfies never
    }
  }

  #claimed({ worker, claim, ids, at }: Extract<AuditEvent, { type: 'claimed' }>): void {
    const holds = ids.map((id): Hold => ({ id, worker, claim, from: at, how: 'open', until: Infinity }))
    this.#byClaim.set(claim, holds)
    for (const hold of holds) {
      const before = this.of.get(hold.id)
      if (before?.at(-1)!.how === 'open') this.doubled.push(hold.id)
      if (before === undefined) this.of.set(hold.id, [hold])
      else before.push(hold)
    }
  }

  #ended({ id, claim, was, at }: Extract<AuditEvent, { type: 'ended' }>): void {
    const newest = this.of.get(id)?.at(-1)
    if (was !== 'PENDING') this.changed.push(id)
    else if (newest?.how !== 'open' || newest.claim !== claim) this.stale.push(id)
    else [newest.how, newest.until] = ['ended', at]
  }

  /** Those of a claim that are still open. */
  #close(claim: number, how: Hold['how'], until: number, isMeant?: (hold: Hold) => boolean): void {
    for (const hold of this.#byClaim.get(claim) ?? []) {
      if (hold.how === 'open' && isMeant?.(hold) !== false) [hold.how, hold.until] = [how, until]
    }
  }
}
