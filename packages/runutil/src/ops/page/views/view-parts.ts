import type { ComponentType } from 'preact'
import type { View } from '../router.ts'
import { ActionsView } from './actions.tsx'
import { DoctorView } from './doctor.tsx'
import { LeasesView } from './leases.tsx'
import { PoolsView } from './pools.tsx'
import { QueueView } from './queue.tsx'
import { ReplicasView } from './replicas.tsx'
import { TreeView } from './tree.tsx'
import { UnitsView } from './units.tsx'

interface ViewPart {
  readonly Part: ComponentType
  /** The lists that the stream brings while it is shown, beside the state and the replicas. */
  readonly watch: readonly string[]
}

/** What shows each view. */
export const VIEW_PARTS: Readonly<Record<View, ViewPart>> = {
  tree: { Part: TreeView, watch: [] },
  queue: { Part: QueueView, watch: ['kinds'] },
  units: { Part: UnitsView, watch: [] },
  pools: { Part: PoolsView, watch: [] },
  actions: { Part: ActionsView, watch: [] },
  leases: { Part: LeasesView, watch: ['leases'] },
  replicas: { Part: ReplicasView, watch: [] },
  doctor: { Part: DoctorView, watch: [] },
}
