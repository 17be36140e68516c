import { AttemptHandle } from './attempt.ts'
import { NamespaceHandle } from './namespace.ts'
import type { Objects, Session } from './session.ts'
import { WorkSpecHandle } from './work-spec.ts'
import { WorkUnitHandle } from './work-unit.ts'
import { WorkerHandle } from './worker-record.ts'

export function objectsOf(session: Session): Objects {
  return {
    namespace: (namespace) => new NamespaceHandle(session, namespace),
    workSpec: (spec) => new WorkSpecHandle(session, spec),
    workUnit: (unit, workSpec) => new WorkUnitHandle(session, workSpec, unit),
    worker: (worker) => new WorkerHandle(session, worker),
    attempt: (attempt) => new AttemptHandle(session, attempt),
  }
}
