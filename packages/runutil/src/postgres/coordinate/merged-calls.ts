import { chainedUnits } from '../../coordinate/chained-units.ts'
import type { AttemptEnd, AttemptRow, Id } from '../../coordinate/coordinate-store.ts'
import type { Data } from '../../coordinate/data.ts'
import type { SchedulerRequest } from '../../coordinate/scheduler.ts'
import { CallBatcher } from '../../core/call-batcher.ts'
import { StoreUnavailableError } from '../../core/store-unavailable-error.ts'
import { MOST_CHARACTERS } from '../../core/weight.ts'
import { TEXT, TEXTS } from '../database/qualified.ts'
import { plainArray, textArray, unlessSame } from '../statements/array-literal.ts'
import { ExpiryCheck } from '../statements/expiry-check.ts'
import type { Queries } from './queries.ts'

/** Requests for more units ask for this many, which no spec has. */
const LARGEST_REQUEST = 1e9
/** Requests of one statement ask for no more units in all, unless a single one does: others wait for its namespace meanwhile. */
const MOST_UNITS = 1_000

export interface RequestCall {
  readonly worker: Id
  readonly request: SchedulerRequest
  readonly lifetimeMs: number
  /** In [0, 1). */
  readonly random: number
}

/** What a request leased; shared fields once. */
export interface Leased extends Pick<AttemptRow, 'spec' | 'startTime' | 'expirationTime' | 'lifetimeMs'> {
  readonly attempts: readonly [id: Id, unit: Id, name: string, data: Data][]
}

/** What a request came to: null when there is nothing to do. */
export type RequestResult = Leased | 'gone' | null

/** What the end of an attempt came to: null, the reason why it can't end, or the data with which to end it. */
export type EndResult = string | Data | null

/** With what must not change until it is sent. */
interface EndCall extends AttemptEnd {
  readonly json: string | undefined
  readonly chained: ReturnType<typeof chainedUnits>
}

type Call = { readonly requested: RequestCall } | { readonly ended: EndCall }
/** An EndResult or a RequestResult. */
type Result = Leased | EndResult

/**
 * Sends the requests and ends of attempts that come together as one statement, since its commit is most of what each costs: the ends
 * first, so that requests find what they open, then the requests in the order of their calls, each seeing what those before it
 * leased. If one of them makes the statement fail, it fails alone.
 */
export class MergedCalls {
  readonly #queries: Queries
  readonly #expiryCheck = new ExpiryCheck()
  readonly #calls = new CallBatcher<Call, Result>((calls) => this.#send(calls), {
    isCallError: (error) => !(error instanceof StoreUnavailableError),
  })

  constructor(queries: Queries) {
    this.#queries = queries
  }

  request(requested: RequestCall): Promise<RequestResult> {
    const weight = (requested.request.units * MOST_CHARACTERS) / MOST_UNITS
    return this.#calls.call({ requested }, weight) as Promise<RequestResult>
  }

  end(end: AttemptEnd): Promise<EndResult> {
    const { data, status } = end
    const json = data === undefined ? undefined : JSON.stringify(data)
    const chained = status === 'finished' && data?.['output'] !== undefined ? chainedUnits(data) : NO_UNITS
    return this.#calls.call({ ended: { ...end, json, chained } }, json?.length) as Promise<EndResult>
  }

  async #send(calls: readonly Call[]): Promise<Result[]> {
    const requests = calls.flatMap((call) => ('requested' in call ? [call.requested] : []))
    const ends = calls.flatMap((call) => ('ended' in call ? [call.ended] : []))
    const [ended, leased] = await this.#results(ends, requests)
    const results = { ended: ended[Symbol.iterator](), requested: leased[Symbol.iterator]() }
    return calls.map((call) => {
      const { value } = ('ended' in call ? results.ended : results.requested).next()
      return value ?? null
    })
  }

  /** The results of ends are none when all have ended. */
  async #results(
    ends: readonly EndCall[],
    requests: readonly RequestCall[],
  ): Promise<readonly [readonly EndResult[], readonly RequestResult[]]> {
    const { s, channel, now } = this.#queries
    if (requests.length === 0) {
      const text = /* sql */ `select ${s}.end_attempts(${END_PARAMS}, $12::double precision)`
      return [await this.#json(text, [...endColumns(ends), channel, now]), []]
    }
    // Tests with their own clock expect the effects of time at once.
    const refresh = now !== null || this.#expiryCheck.isDue()
    const requested = [...requestColumns(requests), refresh, now]
    if (ends.length === 0) {
      const text = /* sql */ `select ${s}.request_attempts(${requestParams(0)})`
      return [[], await this.#json(text, requested)]
    }
    const text = /* sql */ `select ${s}.end_and_request(${END_PARAMS}, ${requestParams(11)})`
    return this.#json(text, [...endColumns(ends), channel, ...requested])
  }

  /** Not on a pooled connection, for which requests that come later would have to wait too. */
  #json<T>(text: string, params: readonly unknown[]): Promise<T> {
    return this.#queries.json('the attempt', text, params, { reserved: 'claims' })
  }
}

const NO_UNITS: ReturnType<typeof chainedUnits> = []

const END_PARAMS = /* sql */ `$1::${TEXT}::bigint[], $2::${TEXT}::bigint[], $3::${TEXTS}, $4::${TEXTS}, $5::${TEXT}::double precision[],
  $6::${TEXT}::integer[], $7::${TEXTS}, $8::${TEXTS}, $9::${TEXT}::double precision[], $10::${TEXT}::double precision[], $11::${TEXT}`

/** @param before how many parameters come before */
function requestParams(before: number): string {
  const types = [
    `${TEXT}::bigint[]`,
    TEXTS,
    TEXTS,
    `${TEXT}::double precision[]`,
    `${TEXT}::integer[]`,
    `${TEXT}::double precision[]`,
    `${TEXT}::double precision[]`,
    'boolean',
    'double precision',
  ]
  return types.map((type, at) => `$${before + at + 1}::${type}`).join(', ')
}

/**
 * A single status or delay stands for all, and an empty list for no data. The last are the units that the data of finished attempts
 * asks for, with the index of the attempt, from 1.
 */
function endColumns(ends: readonly EndCall[]): unknown[] {
  const units = ends.flatMap(({ chained }, at) => chained.map((unit) => ({ ...unit, place: at + 1 })))
  return [
    plainArray(ends.map(({ id }) => id)),
    plainArray(ends.map(({ unit }) => unit)),
    unlessSame(
      ends.map(({ status }) => status),
      textArray,
    ),
    ends.every(({ json }) => json === undefined) ? '{}' : textArray(ends.map(({ json }) => json)),
    unlessSame(
      ends.map(({ delayMs }) => delayMs),
      plainArray,
    ),
    plainArray(units.map(({ place }) => place)),
    textArray(units.map(({ name }) => name)),
    textArray(units.map(({ data }) => JSON.stringify(data))),
    plainArray(units.map(({ priority }) => priority)),
    plainArray(units.map(({ delayMs }) => delayMs)),
  ]
}

function requestColumns(requests: readonly RequestCall[]): unknown[] {
  const asked = requests.map(({ request }) => request)
  return [
    plainArray(requests.map(({ worker }) => worker)),
    textArray(asked.map(({ workSpecs }) => workSpecs && textArray(workSpecs))),
    textArray(asked.map(({ runtimes }) => runtimes && textArray(runtimes))),
    plainArray(asked.map(({ availableGb }) => availableGb)),
    plainArray(asked.map(({ units }) => Math.min(units, LARGEST_REQUEST))),
    plainArray(requests.map(({ lifetimeMs }) => lifetimeMs)),
    plainArray(requests.map(({ random }) => random)),
  ]
}
