import type { Coordinate, OpenUnits } from '../coordinate/model.ts'
import { LabelNames } from './label-names.ts'
import { SharedAnswer } from './shared-answer.ts'

/** How many units of a spec have a status; 10,001 stands for more than 10,000. */
export interface UnitCount {
  /** 'namespace/name', of the namespace without a name 'name'; of more than 200 specs, the rest is 'other'. */
  readonly spec: string
  readonly status: UnitStatus
  readonly count: number
}

/** Those of units that have not ended. Those that have grow in number, and are not counted. */
const STATUSES = ['available', 'pending', 'delayed'] as const
type UnitStatus = (typeof STATUSES)[number]

/** The units of all specs, counted at a scrape. */
export class UnitCounts {
  readonly #names = new LabelNames()
  readonly #open: SharedAnswer<readonly OpenUnits[]>

  constructor(coordinate: Coordinate) {
    this.#open = new SharedAnswer(() => coordinate.openUnits())
  }

  /** Undefined while they are unknown; a status that is unknown is left out. */
  async read(): Promise<readonly UnitCount[] | undefined> {
    const open = await this.#open.ask()
    if (open === undefined) return undefined
    this.#names.update(new Set(open.map(nameOf)))
    return [...this.#names.grouped(open, nameOf)].flatMap(([spec, all]) =>
      STATUSES.flatMap((status) => {
        const count = sum(all.map((one) => one[status]))
        return count === undefined ? [] : { spec, status, count }
      }),
    )
  }
}

function nameOf({ namespace, workSpec }: OpenUnits): string {
  return namespace === '' ? workSpec : `${namespace}/${workSpec}`
}

function sum(counts: readonly (number | undefined)[]): number | undefined {
  let total = 0
  for (const count of counts) {
    if (count === undefined) return undefined
    total += count
  }
  return total
}
