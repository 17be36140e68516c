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

/** How often each comes, to so many kills. */
export function countsFor(kills: number, without: readonly Disturbance[] = []): Record<Disturbance, number> {
  return Object.fromEntries(
    DISTURBANCES.map((name) => [name, without.includes(name) ? 0 : Math.ceil(kills * PROPORTIONS[name])]),
  ) as Record<Disturbance, number>
}
