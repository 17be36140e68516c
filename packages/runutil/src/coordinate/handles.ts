import { AttemptHandle } from './attempt-handle.ts'
import { NamespaceHandle } from './namespace-handle.ts'
import type { Handles, Session } from './session.ts'
import { WorkSpecHandle } from './work-spec-handle.ts'
import { WorkUnitHandle } from './work-unit-handle.ts'
import { WorkerHandle } from './worker-handle.ts'

export function handlesOf(session: Session): Handles {
  return {
    namespace: (namespace) => new NamespaceHandle(session, namespace),
    workSpec: (spec) => new WorkSpecHandle(session, spec),
    workUnit: (unit, workSpec) => new WorkUnitHandle(session, workSpec, unit),
    worker: (worker) => new WorkerHandle(session, worker),
    attempt: (attempt) => new AttemptHandle(session, attempt),
  }
}
