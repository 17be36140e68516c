// What runs, to see and to steer.
export type { Caller, Role } from './access/caller.ts'
export type {
  DatabaseDiagnosis,
  DatabaseServer,
  OpenTransaction,
  SchemaState,
  TableRows,
} from './doctor/database-diagnosis.ts'
export { doctor } from './doctor/doctor.ts'
export type { Finding, FindingLevel } from './doctor/finding.ts'
export { type LoopMonitorOptions, loopMonitor } from './probes/loop-monitor.ts'
export { MemoryReplicaStore } from './replicas/memory-replica-store.ts'
export type { MetricsText, NamedRole, OpsOptions, ShownPart } from './ops-options.ts'
export { type OpsRequestHandler, OpsServer } from './ops-server.ts'
export { type ReplicaOptions, replica } from './replicas/replica.ts'
export type {
  Command,
  CommandOutcome,
  NewCommand,
  Replica,
  ReplicaBeat,
  ReplicaStore,
  UnknownOutcome,
} from './replicas/replica-store.ts'
