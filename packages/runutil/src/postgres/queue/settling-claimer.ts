import { systemClock } from '../../core/clock-system.ts'
import type { Clock } from '../../core/clock.ts'
import type { ClaimOptions } from '../../queue/claim-options.ts'
import type { Settlement } from '../../queue/outcome.ts'
import { LOST, SLOW } from '../schema/1-queue/settling-and-claiming.ts'
import { plainArray, textArray } from '../statements/array-literal.ts'
import { leaseLimit } from '../statements/lease-limit.ts'
import type { SchemaQueries } from '../statements/schema-queries.ts'
import type { HeldJobs } from './held-jobs.ts'
import type { Claimed, JobClaimer } from './job-claimer.ts'
import { settlementColumns } from './job-columns.ts'
import type { ClaimedRow } from './job-rows.ts'
import type { JobStatements } from './job-statements.ts'

export interface SettlingClaimerProps {
  readonly queries: SchemaQueries
  readonly statements: JobStatements
  readonly held: HeldJobs
  readonly claimer: JobClaimer
  /** Where all times come from; undefined: the database's own clock. */
  readonly clock: Clock | undefined
}

export interface ClaimRequest {
  readonly kinds: readonly string[]
  readonly limit: number
  readonly leaseMs: number
  readonly options: ClaimOptions
}

/** Settles jobs and claims the next in one statement, or only settles them where a claim needs more than that looks at. */
export class SettlingClaimer {
  readonly #props: SettlingClaimerProps

  constructor(props: SettlingClaimerProps) {
    this.#props = props
  }

  async claim<S extends Settlement>(
    batch: readonly S[],
    request: ClaimRequest,
  ): Promise<Claimed & { readonly lost: S[] }> {
    const { held, claimer, clock = systemClock } = this.#props
    const { kinds } = request
    if (batch.length === 0 || !claimer.isPlain(kinds))
      return { lost: await held.settle(batch), jobs: [], late: [] }
    const sentAt = clock.elapsed()
    let rows: ClaimedRow[] = []
    const lost = await held.settleBy(batch, async (firsts, finished) => {
      rows = await this.#run(firsts, finished, request)
      const isLost = rows[0]?.[0] === null && rows[0][1] === LOST
      return isLost ? rows.shift()![12] : null
    })
    const wasSlow = rows.at(-1)?.[1] === SLOW && rows.at(-1)![0] === null
    if (wasSlow) rows.pop()
    return { lost, ...(await claimer.plainly(rows, { kinds, sentAt, wasSlow })) }
  }

  #run(
    batch: readonly Settlement[],
    finished: readonly number[],
    { kinds, limit, leaseMs, options }: ClaimRequest,
  ): Promise<ClaimedRow[]> {
    const { queries, statements, clock } = this.#props
    const { holder, maxBytes, orOne = true } = options
    const now = clock?.now() ?? null
    const claim = [leaseMs, holder ?? null, maxBytes ?? null, orOne]
    const [{ id, claim: number, outcome }] = batch as [Settlement]
    const isOne = batch.length === 1 && finished[0] === number && limit === 1 && kinds.length === 1
    const [statement, params] =
      isOne && outcome.status === 'DONE'
        ? [statements.settleOneAndClaim, [id, number, outcome.result ?? null, now, kinds[0]]]
        : [
            statements.settleSomeAndClaim,
            [...settlementColumns(batch), plainArray(finished), now, textArray(kinds), limit],
          ]
    return queries.run<ClaimedRow>(statement, [...params, ...claim], undefined, {
      limitMs: leaseLimit(leaseMs),
      reserved: 'claims',
    })
  }
}
