import { systemClock } from '../../core/clock-system.ts'
import type { Clock } from '../../core/clock.ts'
import type { ClaimOptions } from '../../queue/claim-options.ts'
import type { LeasedJob } from '../../queue/job.ts'
import type { Settlement } from '../../queue/outcome.ts'
import { LOST, SLOW } from '../schema/1-queue/settling-and-claiming.ts'
import { plainArray, textArray } from '../statements/array-literal.ts'
import { leaseLimit } from '../statements/lease-limit.ts'
import type { SchemaQueries, StatementText } from '../statements/schema-queries.ts'
import type { HeldJobs } from './held-jobs.ts'
import type { Claimed, JobClaimer } from './job-claimer.ts'
import { settlementColumns } from './job-columns.ts'
import { type ClaimedRow, parsedJob, toLeasedJob } from './job-rows.ts'
import type { JobStatements } from './job-statements.ts'

export interface SettlingClaimerProps {
  readonly queries: SchemaQueries
  readonly statements: JobStatements
  readonly held: HeldJobs
  readonly claimer: JobClaimer
  /** Where all times come from; undefined: the database's own clock. */
  readonly clock: Clock | undefined
}

interface Answer {
  /** The positions of the lost settlements in the batch, as `settle_jobs` returns them. */
  readonly lost: string | null
  readonly jobs: LeasedJob[]
  /** The look at the waiting rows has passed dead ones. */
  readonly wasSlow: boolean
}

const NOTHING: Answer = { lost: null, jobs: [], wasSlow: false }
/** The positions of a batch of one. */
const ONLY_FIRST = '[1]'

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
    let answer: Answer = NOTHING
    const lost = await held.settleBy(batch, async (firsts, finished) => {
      answer = await this.#ask(firsts, finished, request)
      return answer.lost
    })
    const { jobs, wasSlow } = answer
    return { lost, ...(await claimer.plainly(jobs, { kinds, sentAt, wasSlow })) }
  }

  async #ask(
    batch: readonly Settlement[],
    finished: readonly number[],
    request: ClaimRequest,
  ): Promise<Answer> {
    const { statements, clock } = this.#props
    const { kinds, limit } = request
    const now = clock?.now() ?? null
    const [{ id, claim, outcome }] = batch as [Settlement]
    const isOne = batch.length === 1 && finished[0] === claim && limit === 1 && kinds.length === 1
    if (isOne && outcome.status === 'DONE') {
      const params = [id, claim, outcome.result ?? null, now, kinds[0]]
      const [row] = await this.#run<[string | null]>(statements.settleOneAndClaim, params, request)
      return ofText(row![0] ?? '')
    }
    const params = [...settlementColumns(batch), plainArray(finished), now, textArray(kinds), limit]
    return ofRows(await this.#run<ClaimedRow>(statements.settleSomeAndClaim, params, request))
  }

  #run<Row extends unknown[]>(
    statement: StatementText,
    params: readonly unknown[],
    { leaseMs, options }: ClaimRequest,
  ): Promise<Row[]> {
    const { holder, maxBytes, orOne = true } = options
    const claim = [leaseMs, holder ?? null, maxBytes ?? null, orOne]
    const limits = { limitMs: leaseLimit(leaseMs), reserved: 'claims' } as const
    return this.#props.queries.run<Row>(statement, [...params, ...claim], undefined, limits)
  }
}

function ofText(text: string): Answer {
  const isLost = text.startsWith(LOST)
  const rest = isLost ? text.slice(LOST.length) : text
  const wasSlow = rest.startsWith(SLOW)
  const job = wasSlow ? rest.slice(SLOW.length) : rest
  return { lost: isLost ? ONLY_FIRST : null, wasSlow, jobs: job === '' ? [] : [parsedJob(job)] }
}

function ofRows(rows: ClaimedRow[]): Answer {
  const isLost = rows[0]?.[0] === null && rows[0][1] === LOST
  const lost = isLost ? rows.shift()![12] : null
  const wasSlow = rows.at(-1)?.[0] === null
  if (wasSlow) rows.pop()
  return { lost, wasSlow, jobs: rows.map(toLeasedJob) }
}
