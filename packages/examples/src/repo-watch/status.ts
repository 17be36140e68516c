import type { WorkerNode } from 'runutil'

/** A job of a queue that runs. */
interface RunningJob {
  readonly id: string
  readonly kind: string
  readonly attempt: number
  readonly progress?: { readonly done: number; readonly total?: number; readonly note?: string }
}

/** All workers in one line: '5 workers: 4 ready, 1 restarting; 12 runs, 1 failure, 1 restart; next in 3 s; count 1f0c2d3: 2 of 7 files'. */
export function statusOf(root: WorkerNode, now: Date): string {
  const workers = leavesOf(root)
  const states = new Map<string, number>()
  for (const { state } of workers) states.set(state, (states.get(state) ?? 0) + 1)
  const sum = (of: 'runs' | 'failures' | 'restarts'): number =>
    workers.reduce((total, worker) => total + worker[of], 0)
  const next = Math.min(...workers.map(({ nextRunAt }) => nextRunAt?.getTime() ?? Infinity))
  return [
    `${numberOf(workers.length, 'worker')}: ${[...states].map(([state, count]) => `${count} ${state}`).join(', ')}`,
    `${numberOf(sum('runs'), 'run')}, ${numberOf(sum('failures'), 'failure')}, ${numberOf(sum('restarts'), 'restart')}`,
    ...(next < Infinity ? [`next in ${secondsUntil(next, now)} s`] : []),
    ...workers.flatMap(runningJobs).map((job) => `${shortId(job)}${progressOf(job, ': ')}`),
  ].join('; ')
}

/** A line for each class and worker, the workers of a class and the jobs of a queue that run beneath it. */
export function treeOf({ children }: WorkerNode, indent = ''): string[] {
  return children.flatMap((node) => {
    const { path, kind, state, runs, restarts, lastError } = node
    const facts = [
      `${indent}${path.slice(path.lastIndexOf('/') + 1)}`.padEnd(20),
      kind.padEnd(8),
      state.padEnd(10),
      runs === 0 ? '' : numberOf(runs, 'run'),
      restarts === 0 ? '' : numberOf(restarts, 'restart'),
      lastError === undefined ? '' : `last error: ${lastError.message}`,
    ]
    return [
      facts
        .filter((fact) => fact !== '')
        .join('  ')
        .trimEnd(),
      ...runningJobs(node).map((job) => `${indent}  ${jobLine(job)}`),
      ...treeOf(node, `${indent}  `),
    ]
  })
}

function runningJobs({ kind, detail }: WorkerNode): readonly RunningJob[] {
  return kind === 'queue' ? ((detail as { running?: RunningJob[] } | undefined)?.running ?? []) : []
}

function jobLine(job: RunningJob): string {
  const { attempt, progress } = job
  const facts = [shortId(job), `attempt ${attempt}`, progressOf(job), progress?.note ?? '']
  return facts.filter((fact) => fact !== '').join('  ')
}

function progressOf({ progress }: RunningJob, before = ''): string {
  if (progress === undefined) return ''
  const { done, total } = progress
  return `${before}${total === undefined ? done : `${done} of ${total}`} files`
}

/** Its kind, and the beginning of the commit's id, with which its own ends. */
function shortId({ id, kind }: RunningJob): string {
  return `${kind} ${id.slice(id.lastIndexOf('/') + 1).slice(0, 7)}`
}

function leavesOf(node: WorkerNode): WorkerNode[] {
  return node.children.flatMap((child) => (child.children.length === 0 ? [child] : leavesOf(child)))
}

function secondsUntil(at: number, now: Date): number {
  return Math.max(0, Math.ceil((at - now.getTime()) / 1_000))
}

function numberOf(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`
}
