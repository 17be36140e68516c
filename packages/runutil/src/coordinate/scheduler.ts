/** A spec, as the scheduler sees it. */
export interface Candidate {
  readonly name: string
  readonly priority: number
  readonly weight: number
  readonly paused: boolean
  readonly continuous: boolean
  /** When a continuous spec's next unit may be added; in ms since the epoch. */
  readonly nextContinuous: number
  readonly minMemoryGb: number
  readonly maxRunning: number
  readonly maxAttemptsReturned: number
  readonly runtime: string
  readonly available: number
  readonly pending: number
}

/** A worker's request, with all defaults. */
export interface SchedulerRequest {
  /** Undefined: any. */
  readonly workSpecs: readonly string[] | undefined
  readonly runtimes: readonly string[] | undefined
  /** Undefined: as much as any spec needs. */
  readonly availableGb: number | undefined
  readonly units: number
}

export interface Choice {
  readonly spec: string
  /** The most units to lease. */
  readonly units: number
}

/**
 * Which spec is worked on next: of those with work that may be done, those of the highest priority; of these one at random,
 * such that their pending units tend to the proportions of their weights. Undefined when there is none.
 *
 * @param random in [0, 1)
 */
export function choose(
  candidates: readonly Candidate[],
  request: SchedulerRequest,
  now: number,
  random: number,
): Choice | undefined {
  const eligible = candidates.filter((candidate) => isEligible(candidate, request, now))
  const highest = Math.max(...eligible.map(({ priority }) => priority))
  const chosen = pick(
    eligible.filter(({ priority }) => priority === highest),
    random,
  )
  return chosen && { spec: chosen.name, units: unitsOf(chosen, request) }
}

function isEligible(
  spec: Candidate,
  { workSpecs, runtimes, availableGb }: SchedulerRequest,
  now: number,
): boolean {
  if (spec.paused || spec.weight <= 0) return false
  if (workSpecs !== undefined && !workSpecs.includes(spec.name)) return false
  if (runtimes !== undefined && !runtimes.includes(spec.runtime)) return false
  if (availableGb !== undefined && spec.minMemoryGb > availableGb) return false
  if (spec.maxRunning > 0 && spec.pending >= spec.maxRunning) return false
  return spec.available > 0 || mayContinue(spec, now)
}

/** Whether a unit may be added for a spec without available ones. */
export function mayContinue({ continuous, pending, nextContinuous }: Candidate, now: number): boolean {
  return continuous && pending === 0 && nextContinuous <= now
}

/** Picks a spec; the further behind its share, the likelier. A spec ahead of its share has no chance. */
function pick(specs: readonly Candidate[], random: number): Candidate | undefined {
  const totalWeight = sum(specs.map(({ weight }) => weight))
  const totalPending = sum(specs.map(({ pending }) => pending))
  const chances = specs.map(({ weight, pending }) =>
    Math.max(0, weight * (totalPending + 1) - totalWeight * pending),
  )
  let left = random * sum(chances)
  // A rounding error may leave slightly more than 0 at the end.
  return specs.find((_, at) => (left -= chances[at]!) < 0) ?? specs.findLast((_, at) => chances[at]! > 0)
}

function unitsOf(
  { maxAttemptsReturned, maxRunning, pending }: Candidate,
  { units }: SchedulerRequest,
): number {
  const inOneAnswer = maxAttemptsReturned > 0 ? maxAttemptsReturned : Infinity
  const beside = maxRunning > 0 ? maxRunning - pending : Infinity
  return Math.min(units, inOneAnswer, beside)
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
