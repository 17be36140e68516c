import type { Clock } from '../../core/clock.ts'
import { unexpected } from '../../core/errors.ts'
import { nearest } from '../../core/options.ts'
import type {
  Attempt,
  Coordinate,
  Namespace,
  SummaryRow,
  WorkSpec,
  WorkUnit,
  WorkUnitStatus,
} from '../../coordinate/model.ts'
import { PAGE_FIELDS, checkFields, keyOf, limitOf } from './list-fields.ts'
import { OpsError } from '../ops-error.ts'
import type { Aged, Fields } from './read-model.ts'
import { SharedQueries } from './shared-queries.ts'
import { type Answer, SharedQuery } from './shared-query.ts'

const SPEC_FIELDS = ['namespace', 'name', ...PAGE_FIELDS]
const UNIT_FIELDS = ['namespace', 'spec', 'status', 'name', ...PAGE_FIELDS]
const SPEC_LIMIT = { default: 100, max: 1_000 }
const UNIT_LIMIT = { default: 50, max: 200 }
const STATUSES: readonly WorkUnitStatus[] = ['available', 'pending', 'finished', 'failed', 'delayed']
const MOST_ATTEMPTS = 50
/** So many specs or units are read at the same time. */
const AT_ONCE = 10

interface SpecRows {
  readonly specs: readonly SpecRow[]
  readonly next?: string
}

/** A spec of a list. */
export interface SpecRow {
  readonly namespace: string
  readonly name: string
  readonly priority: number
  readonly weight: number
  readonly paused: boolean
  readonly continuous: boolean
  readonly maxRunning?: number
  readonly maxRetries?: number
  /** When its next continuous unit may start. */
  readonly next?: Date
  /** The spec that its finished units add units to. */
  readonly then?: string
}

interface UnitRows {
  readonly units: readonly object[]
  readonly next?: string
}

/** What can be seen of work specs and units. */
export class WorkViews {
  readonly #coordinate: Coordinate
  readonly #specs: SharedQueries<SpecRows>
  readonly #units: SharedQueries<UnitRows>
  /** By itself, since counting takes longest: specs are shown without it. */
  readonly #counts: SharedQuery<readonly SummaryRow[]>

  constructor(coordinate: Coordinate, clock: Clock) {
    this.#coordinate = coordinate
    this.#specs = new SharedQueries(clock, 'specs')
    this.#units = new SharedQueries(clock, 'units')
    this.#counts = new SharedQuery({ clock, what: 'counts', query: () => coordinate.summarize() })
  }

  /** To be called when specs or units have changed. */
  outdate(): void {
    for (const queries of [this.#specs, this.#units, this.#counts]) queries.outdate()
  }

  /** By namespace and name. The counts are absent while they are unknown. */
  async specs(fields: Fields): Promise<Aged & SpecRows> {
    const given = checkFields(fields, 'specs', SPEC_FIELDS)
    const limit = limitOf(given, 'specs', SPEC_LIMIT)
    const asking = this.#specs.ask(keyOf(given), (signal) => this.#specRows(given, limit, signal))
    const [{ value, at, ageMs }, counts] = await Promise.all([asking, this.#counted()])
    const specs = value.specs.map((spec) => {
      return counts === undefined ? spec : { ...spec, counts: countsOf(spec, counts.value) }
    })
    return { at, ageMs, ...value, specs }
  }

  async #counted(): Promise<Answer<readonly SummaryRow[]> | undefined> {
    return this.#counts.ask().catch(() => undefined)
  }

  async #specRows(
    { namespace, name: only, after }: Fields,
    limit: number,
    signal: AbortSignal,
  ): Promise<SpecRows> {
    const all = await this.#specNames(namespace)
    const asked = only === undefined ? all : all.filter(({ name }) => name === only)
    const rest = asked.filter(({ key }) => after === undefined || key > after)
    const page = rest.slice(0, limit)
    const specs = await eachOf(page, signal, ({ space, name }) => specRow(space, name))
    const known = specs.filter((spec) => spec !== undefined)
    return { specs: known, ...(rest.length > limit && { next: page.at(-1)!.key }) }
  }

  async #specNames(only: string | undefined): Promise<{ key: string; space: Namespace; name: string }[]> {
    // Not `namespace(only)`, which creates it.
    const namespaces = [...(await this.#coordinate.namespaces()).values()]
    const asked = namespaces.filter(({ name }) => only === undefined || name === only)
    const names = await Promise.all(
      asked.map(async (space) => ({ space, names: await space.workSpecNames() })),
    )
    const all = names.flatMap(({ space, names: its }) => {
      return its.map((name) => ({ key: `${space.name}/${name}`, space, name }))
    })
    return all.sort((a, b) => (a.key < b.key ? -1 : 1))
  }

  /** Of one spec, by name; with `name`, that unit with its attempts. */
  async units(fields: Fields): Promise<Aged & UnitRows> {
    const given = checkFields(fields, 'units', UNIT_FIELDS)
    const { namespace = '', spec, name } = given
    if (spec === undefined) throw unexpected('units: spec', 'the name of a spec, and its namespace', spec)
    const query = {
      statuses: statusesOf(given['status']),
      names: name === undefined ? undefined : [name],
      previousName: given['after'],
      limit: limitOf(given, 'units', UNIT_LIMIT) + 1,
    }
    const { value, at, ageMs } = await this.#units.ask(keyOf(given), async (signal) => {
      const found = await (await this.#spec(namespace, spec)).workUnits(query)
      const page = [...found.values()].slice(0, query.limit - 1)
      const rows = await eachOf(page, signal, (unit) =>
        unitRow(unit, name !== undefined, signal).catch(ifGone),
      )
      const units = rows.filter((row) => row !== undefined)
      return { units, ...(found.size === query.limit && { next: page.at(-1)!.name }) }
    })
    return { at, ageMs, ...value }
  }

  async #spec(namespace: string, name: string): Promise<WorkSpec> {
    const space = (await this.#coordinate.namespaces()).get(namespace)
    const spec = await space?.workSpec(name).catch(ifGone)
    if (spec !== undefined) return spec
    throw new OpsError(404, 'not-found', `there is no spec '${name}' in namespace '${namespace}'`)
  }
}

async function specRow(space: Namespace, name: string): Promise<SpecRow | undefined> {
  const spec = await space.workSpec(name).catch(ifGone)
  const meta = await spec?.meta().catch(ifGone)
  if (meta === undefined) return undefined
  const { maxRunning, maxRetries, nextContinuous, nextWorkSpecName } = meta
  return {
    namespace: space.name,
    name,
    priority: meta.priority,
    weight: meta.weight,
    paused: meta.paused,
    continuous: meta.continuous,
    ...(maxRunning > 0 && { maxRunning }),
    ...(maxRetries > 0 && { maxRetries }),
    ...(nextContinuous !== undefined && { next: nextContinuous }),
    ...(nextWorkSpecName !== '' && { then: nextWorkSpecName }),
  }
}

function countsOf({ namespace, name }: SpecRow, rows: readonly SummaryRow[]): Record<string, number> {
  const its = rows.filter((row) => row.workSpec === name && row.namespace === namespace)
  const counted = (status: WorkUnitStatus): number => its.find((row) => row.status === status)?.count ?? 0
  return Object.fromEntries(STATUSES.map((status) => [status, counted(status)]))
}

/** @param isWhole with its last attempts, the oldest first */
async function unitRow(unit: WorkUnit, isWhole: boolean, signal: AbortSignal): Promise<object> {
  const overview = await unit.overview()
  const row = { name: unit.name, ...overview }
  if (!isWhole) return row
  const attempts = (await unit.attempts()).slice(-MOST_ATTEMPTS)
  return { ...row, attempts: await eachOf(attempts, signal, attemptRow) }
}

async function attemptRow(attempt: Attempt): Promise<object> {
  const [status, start, end, expiration] = await Promise.all([
    attempt.status(),
    attempt.startTime(),
    attempt.endTime(),
    attempt.expirationTime(),
  ])
  return { worker: attempt.worker.name, status, start, ...(end !== undefined && { end }), expiration }
}

/** @param text one status, or several with commas between them */
function statusesOf(text: string | undefined): WorkUnitStatus[] | undefined {
  return text?.split(',').map((status) => {
    const known = STATUSES.find((one) => one === status.trim().toLowerCase())
    if (known !== undefined) return known
    const near = nearest(status, STATUSES)
    const hint = near && `; did you mean '${near}'?`
    throw unexpected('units: status', `one of ${STATUSES.join(', ')}`, status, hint)
  })
}

/** A few at a time, in order. */
async function eachOf<T, R>(
  all: readonly T[],
  signal: AbortSignal,
  call: (one: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = []
  for (let at = 0; at < all.length; at += AT_ONCE) {
    signal.throwIfAborted()
    results.push(...(await Promise.all(all.slice(at, at + AT_ONCE).map(call))))
  }
  return results
}

/** Undefined for what was deleted meanwhile. */
function ifGone(error: unknown): undefined {
  const { code } = error as { code?: unknown }
  if (code === 'ERR_NO_SUCH_WORK_SPEC' || code === 'ERR_GONE') return undefined
  throw error
}
