import { LeasedAttempt } from './attempt.ts'
import { StoredNamespace } from './namespace.ts'
import type { Objects, Session } from './session.ts'
import { StoredWorkSpec } from './work-spec.ts'
import { StoredWorkUnit } from './work-unit.ts'
import { StoredWorkerRecord } from './worker-record.ts'

export function objectsOf(session: Session): Objects {
  return {
    namespace: (namespace) => new StoredNamespace(session, namespace),
    workSpec: (spec) => new StoredWorkSpec(session, spec),
    workUnit: (unit, workSpec) => new StoredWorkUnit(session, workSpec, unit),
    worker: (worker) => new StoredWorkerRecord(session, worker),
    attempt: (attempt) => new LeasedAttempt(session, attempt),
  }
}
