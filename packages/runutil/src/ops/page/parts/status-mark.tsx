import type { WorkerState } from '../../../core/worker-state.ts'
import { Mark, type Shape, type Tone } from './mark.tsx'

type Look = readonly [Tone, Shape]

const WORKERS: Readonly<Record<WorkerState, Look>> = {
  waiting: ['idle', 'ring'],
  starting: ['busy', 'half'],
  ready: ['ok', 'disc'],
  paused: ['warn', 'bars'],
  restarting: ['bad', 'arrow'],
  stopping: ['busy', 'dots'],
  hung: ['bad', 'triangle'],
  stopped: ['idle', 'square'],
  done: ['ok', 'check'],
  failed: ['bad', 'cross'],
  abandoned: ['bad', 'cross'],
}

/** States of all else that the page shows: jobs, units, actions, processes, leases. */
const OTHERS: Readonly<Record<string, Look>> = {
  PENDING: ['idle', 'ring'],
  WAITING: ['idle', 'ring'],
  BLOCKED: ['idle', 'lock'],
  RUNNING: ['busy', 'play'],
  DONE: ['ok', 'check'],
  FAILED: ['bad', 'cross'],
  PANIC: ['bad', 'triangle'],
  available: ['idle', 'ring'],
  pending: ['busy', 'play'],
  finished: ['ok', 'check'],
  delayed: ['idle', 'dots'],
  created: ['idle', 'ring'],
  active: ['busy', 'play'],
  running: ['busy', 'play'],
  completed: ['ok', 'check'],
  succeeded: ['ok', 'check'],
  cancelled: ['idle', 'square'],
  timeout: ['bad', 'cross'],
  working: ['busy', 'play'],
  invalid: ['bad', 'cross'],
  errored: ['bad', 'cross'],
  inactive: ['idle', 'ring'],
  held: ['ok', 'lock'],
  free: ['idle', 'ring'],
  alive: ['ok', 'disc'],
  lost: ['bad', 'triangle'],
  on: ['ok', 'disc'],
  ok: ['ok', 'check'],
  warn: ['warn', 'triangle'],
  fail: ['bad', 'cross'],
  firing: ['bad', 'triangle'],
  init: ['idle', 'ring'],
}

/** A state by its word, which is shown as it is. */
export function StatusMark({ status, children }: { readonly status: string; readonly children?: string }) {
  const [tone, shape] = lookOf(status)
  return (
    <Mark tone={tone} shape={shape}>
      {children ?? status}
    </Mark>
  )
}

function lookOf(status: string): Look {
  if (Object.hasOwn(WORKERS, status)) return WORKERS[status as WorkerState]
  return Object.hasOwn(OTHERS, status) ? OTHERS[status]! : ['idle', 'ring']
}
