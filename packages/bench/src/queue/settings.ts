import { parseArgs } from 'node:util'
import { CONTENDERS, type ContenderName } from './contenders.ts'

const PARTS = [
  'bulk',
  'single',
  'drain',
  'ones',
  'latency',
  'history',
  'held',
  'pglite',
  'memory',
  'limits',
  'processes',
  'kinds',
  'features',
  'shared',
] as const
export type Part = (typeof PARTS)[number]
/** Those of runutil alone. */
export type Own = 'pglite' | 'memory' | 'limits' | 'processes' | 'kinds' | 'features'

/** Enough to have run every program. */
const ONCE: readonly Part[] = [
  'single',
  'ones',
  'history',
  'held',
  'pglite',
  'memory',
  'limits',
  'processes',
  'kinds',
  'features',
  'shared',
]

export interface Settings {
  readonly once: boolean
  readonly rounds: number
  readonly parts: readonly Part[]
  readonly contenders: readonly ContenderName[]
  /** All counts and times are multiplied by it. */
  readonly scale: number
}

/** Of the command line: `--once`, `--only drain,latency`, `--with runutil,graphile-worker-best`, `--rounds 3`, `--scale 0.1`. */
export function settings(): Settings {
  const { values } = parseArgs({
    options: {
      once: { type: 'boolean', default: false },
      only: { type: 'string' },
      with: { type: 'string' },
      rounds: { type: 'string' },
      scale: { type: 'string' },
    },
  })
  const { once } = values
  return {
    once,
    rounds: Number(values.rounds ?? (once ? 1 : 5)),
    parts: oneOf('--only', PARTS, values.only ?? (once ? ONCE.join() : undefined)),
    contenders: oneOf('--with', Object.keys(CONTENDERS) as ContenderName[], values.with),
    scale: Number(values.scale ?? (once ? 0.001 : 1)),
  }
}

function oneOf<T extends string>(flag: string, all: readonly T[], given: string | undefined): readonly T[] {
  if (given === undefined) return all
  return given.split(',').map((name) => {
    if (all.includes(name as T)) return name as T
    throw new Error(`${flag}: expected some of ${all.join(',')}; got ${name}`)
  })
}
