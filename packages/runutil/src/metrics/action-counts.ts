/** A `Manager`, as far as its actions are counted. */
export interface CountedManager {
  readonly operation: string
  readonly workers: {
    readonly load: { readonly running: number; readonly queued: number | undefined }
  }
}

/** How many actions of an operation the live workers of this process perform, or have waiting for them. */
export interface ActionCount {
  readonly operation: string
  readonly state: 'running' | 'queued'
  readonly count: number
}

/** What this process knows, which asks no ledger. Where only the database knows what waits, that is left out. */
export function actionCounts(managers: readonly CountedManager[]): ActionCount[] {
  const byOperation = new Map<string, { running: number; queued: number | undefined }>()
  for (const { operation, workers } of managers) {
    const { running, queued } = workers.load
    const other = byOperation.get(operation) ?? { running: 0, queued: 0 }
    const both = queued === undefined || other.queued === undefined ? undefined : queued + other.queued
    byOperation.set(operation, { running: running + other.running, queued: both })
  }
  return [...byOperation].flatMap(([operation, { running, queued }]): ActionCount[] => [
    { operation, state: 'running', count: running },
    ...(queued === undefined ? [] : [{ operation, state: 'queued' as const, count: queued }]),
  ])
}
