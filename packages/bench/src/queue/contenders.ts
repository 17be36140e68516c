interface Contender {
  /** At which it drains fastest. */
  readonly bestConcurrency: number
  /** The oldest Node that it runs on. */
  readonly node: number
  readonly store: 'postgres' | 'redis'
  /** Whether it keeps what it has finished. */
  readonly keeps: boolean
}

/** Each has a module of its name in `contenders`, which says how it is set up and why. */
export const CONTENDERS = {
  runutil: { bestConcurrency: 10, node: 20, store: 'postgres', keeps: true },
  'graphile-worker': { bestConcurrency: 10, node: 22, store: 'postgres', keeps: false },
  'graphile-worker-best': { bestConcurrency: 24, node: 22, store: 'postgres', keeps: false },
  'pg-boss': { bestConcurrency: 4, node: 22, store: 'postgres', keeps: true },
  bullmq: { bestConcurrency: 10, node: 20, store: 'postgres', keeps: true },
  'bullmq-redis': { bestConcurrency: 100, node: 20, store: 'redis', keeps: true },
} as const satisfies Record<string, Contender>

export type ContenderName = keyof typeof CONTENDERS
