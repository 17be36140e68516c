// What runs, to see and to steer.
export type { Caller, Role } from './caller.ts'
export { type LoopMonitorOptions, loopMonitor } from './loop-monitor.ts'
export { MemoryReplicaStore } from './memory-replica-store.ts'
export type { NamedRole, OpsOptions, ShownPart } from './ops-options.ts'
export { type OpsRequestHandler, OpsServer } from './ops-server.ts'
export { type ReplicaOptions, replica } from './replica.ts'
export type {
  Command,
  CommandOutcome,
  NewCommand,
  Replica,
  ReplicaBeat,
  ReplicaStore,
  UnknownOutcome,
} from './replica-store.ts'
