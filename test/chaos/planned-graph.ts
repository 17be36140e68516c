import type { PlannedJob } from './planned-job.ts'
import type { Random } from './random.ts'

/** For each step, the steps that it runs after. */
const SHAPES: readonly (readonly (readonly number[])[])[] = [
  [[], [0], [1]],
  [[], [0], [0], [1, 2]],
  [[], [], [], [0, 1, 2], [3], [3]],
]

export const MOST_STEPS = Math.max(...SHAPES.map((steps) => steps.length))
export const STEPS_ON_AVERAGE = SHAPES.flat().length / SHAPES.length

/** In one of three graphs, the last step runs however the others ended; in one of four, a step before it fails. */
export function planGraph(number: number, random: Random, newJob: () => PlannedJob): PlannedJob[] {
  const shape = random.pick(SHAPES)
  const idOf = (step: number): string => `graph-${number}-${step}`
  const last = shape.length - 1
  const failing = number % 4 === 0 ? random.between(0, last - 1) : undefined
  const steps = shape.map((before, step): PlannedJob => {
    const job = { ...newJob(), id: idOf(step) }
    const on = number % 3 === 0 && step === last ? 'end' : 'done'
    const after = before.length > 0 && { after: { ids: before.map(idOf), on } as const }
    return { ...job, ...(step === failing && { payload: { ...job.payload, fate: 'fail' } }), ...after }
  })
  return random.shuffled(steps)
}

/** Of jobs that are planned one behind the other: so many, and more to the end of a graph that would be cut. */
export function wholeGraphs(jobs: readonly PlannedJob[], count: number): number {
  let end = Math.min(count, jobs.length)
  while (end > 0 && end < jobs.length && isOfOneGraph(jobs[end - 1]!, jobs[end]!)) end++
  return end
}

export function graphOf({ id }: PlannedJob): string | undefined {
  return /^graph-\d+/.exec(id)?.[0]
}

function isOfOneGraph(a: PlannedJob, b: PlannedJob): boolean {
  return graphOf(a) !== undefined && graphOf(a) === graphOf(b)
}
