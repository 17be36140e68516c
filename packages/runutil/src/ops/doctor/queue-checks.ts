import type { Check } from './check.ts'
import { type Verdict, lasting, ok, some, warn } from './finding.ts'

/** Any worker that claims frees them within seconds. */
const EXPIRED_FOR_MS = 60_000
const BEHIND_MS = 3_600_000

export const QUEUE_CHECKS: readonly Check[] = [
  {
    name: 'unhandled-kinds',
    examine: async ({ queue }) => queue && judgeUnhandled(await queue.store.unhandledKinds()),
  },
  { name: 'paused-kinds', examine: async ({ queue }) => queue && judgePaused(await queue.paused()) },
  {
    name: 'claims',
    examine: async ({ database }) => database && judgeClaims(await database.expiredClaims()),
  },
  {
    name: 'retention',
    examine: async ({ database }) => database && judgeRetention(await database.retentionBehindMs()),
  },
  {
    name: 'limits',
    examine: async ({ database }) => {
      return database && judgeLimits(await database.kindsWithDifferentRules())
    },
  },
]

export function judgeUnhandled(kinds: readonly string[]): Verdict {
  if (kinds.length === 0) return ok('each kind with due jobs has a worker')
  return warn(
    `jobs are due of kinds that no worker runs: ${some(kinds)}`,
    'start a process whose worker has registered them; or they are misspelt',
  )
}

export function judgePaused(kinds: readonly string[]): Verdict {
  if (kinds.length === 0) return ok('no kind is paused')
  return warn(`paused, until somebody resumes them: ${some(kinds)}`, 'queue.resume(kind), if that is over')
}

export function judgeClaims({ count, oldestMs }: { count: number; oldestMs: number }): Verdict {
  if (count === 0 || oldestMs < EXPIRED_FOR_MS) return ok('no claim is far past its lease')
  return warn(
    `claims of jobs past their lease: ${count}, for up to ${lasting(oldestMs)}`,
    'any worker of the queue that claims frees them: none does',
  )
}

export function judgeRetention(behindMs: number): Verdict {
  if (behindMs < BEHIND_MS) return ok('ended jobs are removed in time')
  return warn(
    `the removal of ended jobs is ${lasting(behindMs)} behind`,
    'workers remove them: let one run, or call queue.prune(retention)',
  )
}

export function judgeLimits(kinds: readonly string[]): Verdict {
  if (kinds.length === 0) return ok('all workers of a kind have the same limits and retention')
  return warn(
    `workers have different limits or retentions for ${some(kinds)}`,
    'the strictest limits and the longest retention apply to all: give all processes the same, once a deployment is over',
  )
}
