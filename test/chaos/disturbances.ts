/** To so many kills, how many of the others. */
const PROPORTIONS = {
  kill: 1,
  freeze: 0.15,
  stop: 0.1,
  alone: 0.02,
  'fast restart': 0.1,
  crash: 0.1,
  terminate: 0.2,
  cancel: 0.2,
  'statement timeout': 0.05,
  'lock timeout': 0.05,
  'read-only': 0.1,
  silence: 0.1,
  failover: 0.02,
  /** These two are jobs. */
  poison: 0.3,
  block: 0.15,
} as const

export type Disturbance = keyof typeof PROPORTIONS

export const DISTURBANCES = Object.keys(PROPORTIONS) as Disturbance[]

export interface CountsProps {
  readonly kills: number
  readonly failovers: number | undefined
  readonly without: readonly Disturbance[]
}

/** How often each comes, to so many kills. */
export function countsFor({ kills, failovers, without }: CountsProps): Record<Disturbance, number> {
  const given: Partial<Record<Disturbance, number | undefined>> = { failover: failovers }
  const count = (name: Disturbance): number =>
    without.includes(name) ? 0 : (given[name] ?? Math.ceil(kills * PROPORTIONS[name]))
  return Object.fromEntries(DISTURBANCES.map((name) => [name, count(name)])) as Record<Disturbance, number>
}
