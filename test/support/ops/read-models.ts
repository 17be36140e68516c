import { Runtime } from 'runutil'
import { VirtualClock } from 'runutil/testing'
import {
  type ReadModelProps,
  createReadModel,
} from '../../../packages/runutil/src/ops/views/create-read-model.ts'
import type { ReadModel } from '../../../packages/runutil/src/ops/views/read-model.ts'

/** This process, in the list of replicas. */
export const self = {
  id: 'here',
  name: 'worker',
  host: 'host-1',
  pid: 7,
  version: '0.1.0',
  startedAt: new Date(0),
}

/** A read model with what a test gives it, of a run that hasn't begun by default. */
export function readModel(props: Partial<ReadModelProps>): ReadModel {
  const { runtime = new Runtime(), clock = new VirtualClock(), ...rest } = props
  return createReadModel({ runtime, self, clock, ...rest })
}
