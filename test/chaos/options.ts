import { parseArgs } from 'node:util'
import { DISTURBANCES, type Disturbance } from './disturbances.ts'

export interface ChaosOptions {
  readonly jobs: number
  /** Exactly so many workers are killed; the other disturbances come in proportion. */
  readonly kills: number
  readonly workers: number
  /** How often the server fails over to its standby. Undefined: in proportion to the kills. */
  readonly failovers: number | undefined
  /** Disturbances that are left out. */
  readonly without: readonly Disturbance[]
  /** Of the plan: what is enqueued, and which disturbances follow each other. The machine adds its own chance. */
  readonly seed: number
  /** When it is given up, with a dump. */
  readonly timeoutMs: number
}

const DEFAULTS = { jobs: 2_000, kills: 20, workers: 4 }

/**
 * `--jobs 2000 --kills 20 --workers 4 --seed 7 --timeout 120 --failovers 3 --without silence,poison`, the timeout in
 * seconds. The seed is random by default.
 */
export function parseOptions(args: string[], defaults = DEFAULTS): ChaosOptions {
  const text = { type: 'string' } as const
  const { values } = parseArgs({
    args: args.filter((arg) => arg !== '--'),
    options: {
      jobs: text,
      kills: text,
      workers: text,
      seed: text,
      timeout: text,
      failovers: text,
      without: text,
    },
  })
  const jobs = natural('jobs', values.jobs, defaults.jobs)
  const kills = natural('kills', values.kills, defaults.kills)
  return {
    jobs,
    kills,
    workers: natural('workers', values.workers, defaults.workers, 2),
    failovers: values.failovers === undefined ? undefined : natural('failovers', values.failovers, 0),
    without: (values.without?.split(',') ?? []).map(disturbance),
    seed: natural('seed', values.seed, Math.floor(Math.random() * 2 ** 31)),
    timeoutMs: natural('timeout', values.timeout, 120 + kills * 5 + jobs / 100) * 1_000,
  }
}

function disturbance(name: string): Disturbance {
  const found = DISTURBANCES.find((one) => one === name)
  if (found !== undefined) return found
  throw new Error(`--without: expected some of ${DISTURBANCES.join(', ')}; got '${name}'`)
}

function natural(name: string, given: string | undefined, otherwise: number, least = 0): number {
  const value = given === undefined ? Math.ceil(otherwise) : Number(given)
  if (Number.isInteger(value) && value >= least) return value
  throw new Error(`--${name}: expected a whole number of ${least} or more; got '${given}'`)
}
