import type { WorkerNode } from '../../runtime/worker-node.ts'

/** A node and all beneath it. */
export function nodesIn(node: WorkerNode): WorkerNode[] {
  return [node, ...node.children.flatMap(nodesIn)]
}
