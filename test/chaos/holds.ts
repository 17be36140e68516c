import type { AuditEvent } from './audit.ts'
import { MAX_CRASHES } from './settings.ts'

/** An outcome counts unless another claim has taken the job: also when the lease is over. */
const MAY_END = new Set<Hold['how']>(['open', 'expired'])

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
  /** Of an expired one: who found that out. */
  freedBy: string | undefined
  /** When it first expired, whether or not its process took it back later. */
  lapsedAt: number | undefined
  /** How many crashes were counted against the job when it was handed out. */
  readonly crashes: number
  /** Whether one was counted since this claim expired, and not taken back. */
  crashed: boolean
}

/** What the audit says of each job: it is followed in the order of the database. */
export class Holds {
  /** By job, in the order of the claims. */
  readonly of = new Map<string, Hold[]>()
  /** Handed out while another claim held them. */
  readonly doubled: string[] = []
  /** Ended by a claim that wasn't the newest that had been handed out, or that had let it go. */
  readonly stale: string[] = []
  /** Changed after their end. */
  readonly changed: string[] = []
  /** Ended, though none had ever been handed out. */
  readonly unclaimed: string[] = []
  /** On their last chance, and handed out together with others. */
  readonly crowded: Hold[] = []
  readonly #crashes = new Map<string, number>()
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
        this.#close(event.claim, 'let go', event.at, ({ id }) => isMeant.has(id))
        return
      }
      case 'gone':
        return this.#gone(event)
      case 'crashes':
        return this.#counted(event)
      case 'ended':
        return this.#ended(event)
      case 'enqueued':
        return
      default:
        return event satisfies never
    }
  }

  #claimed({ worker, claim, ids, at }: Extract<AuditEvent, { type: 'claimed' }>): void {
    const known = this.#byClaim.get(claim)
    if (known !== undefined) return this.#takenBack(known, new Set(ids))
    const holds = ids.map((id) => this.#open(id, worker, claim, at))
    this.#byClaim.set(claim, holds)
    for (const hold of holds) {
      const before = this.of.get(hold.id)
      if (before?.at(-1)!.how === 'open') this.doubled.push(hold.id)
      if (before === undefined) this.of.set(hold.id, [hold])
      else before.push(hold)
    }
    if (holds.length > 1) this.crowded.push(...holds.filter(({ crashes }) => crashes === MAX_CRASHES))
  }

  #open(id: string, worker: string, claim: number, from: number): Hold {
    const none = { freedBy: undefined, lapsedAt: undefined, crashed: false }
    return {
      id,
      worker,
      claim,
      from,
      how: 'open',
      until: Infinity,
      ...none,
      crashes: this.#crashes.get(id) ?? 0,
    }
  }

  /** Its process was late, but nobody had claimed them since. */
  #takenBack(holds: readonly Hold[], ids: ReadonlySet<string>): void {
    for (const hold of holds.filter(({ id }) => ids.has(id))) {
      if (this.of.get(hold.id)!.at(-1) !== hold) this.doubled.push(hold.id)
      hold.how = 'open'
      hold.until = Infinity
      hold.freedBy = undefined
      hold.crashed = false
    }
  }

  #ended({ id, claim, was, at }: Extract<AuditEvent, { type: 'ended' }>): void {
    const newest = this.of.get(id)?.at(-1)
    if (was !== 'PENDING') this.changed.push(id)
    else if (newest === undefined && claim === undefined) this.unclaimed.push(id)
    else if (newest === undefined || newest.claim !== claim || !MAY_END.has(newest.how)) this.stale.push(id)
    else {
      newest.how = 'ended'
      newest.until = at
    }
  }

  #gone({ worker, claim, expiresAt, at }: Extract<AuditEvent, { type: 'gone' }>): void {
    const how = at < expiresAt ? 'robbed' : 'expired'
    for (const hold of this.#close(claim, how, expiresAt)) {
      hold.freedBy = worker
      hold.lapsedAt ??= expiresAt
    }
  }

  #counted({ id, crashes }: Extract<AuditEvent, { type: 'crashes' }>): void {
    const before = this.#crashes.get(id) ?? 0
    this.#crashes.set(id, crashes)
    const newest = this.of.get(id)?.at(-1)
    if (crashes > before && newest !== undefined) newest.crashed = true
  }

  /** @returns those that were still open */
  #close(claim: number, how: Hold['how'], until: number, isMeant?: (hold: Hold) => boolean): Hold[] {
    const closed = (this.#byClaim.get(claim) ?? []).filter(
      (hold) => hold.how === 'open' && isMeant?.(hold) !== false,
    )
    for (const hold of closed) {
      hold.how = how
      hold.until = until
    }
    return closed
  }
}
