import type { RuntimeEvent, WorkerNode } from 'runutil'

/** The state of one worker according to its events. */
interface Folded {
  state: string
  /** The number of its starts, and of its runs. */
  starts: number
  ran: number
  failures: number
  restarts: number
  missed: number
}

/** The tree according to the events. */
export class Fold {
  readonly errors: string[] = []
  /** All nodes at the last comparison. */
  paths: string[] = []
  readonly #nodes = new Map<string, Folded>()

  hear(event: RuntimeEvent): void {
    const { path } = event
    if (event.type === 'removed') {
      for (const known of this.#nodes.keys()) {
        if (known === path || known.startsWith(`${path}/`)) this.#nodes.delete(known)
      }
      return
    }
    const node = this.#nodes.get(path) ?? unheard()
    this.#nodes.set(path, node)
    switch (event.type) {
      case 'added':
      case 'slow':
      case 'gaveUp':
      case 'loopDelay':
        return
      case 'ran':
        node.ran++
        return
      case 'missed':
        node.missed += event.count
        return
      case 'resumed':
        node.state = 'ready'
        return
      case 'starting':
        node.starts++
        break
      case 'failed':
        node.failures++
        break
      case 'restarting':
        node.restarts++
        break
      case 'waiting':
      case 'ready':
      case 'stopping':
      case 'stopped':
      case 'done':
      case 'paused':
      case 'hung':
      case 'abandoned':
        break
    }
    if (node.state === event.type) this.errors.push(`${path} is ${event.type}, and then that again`)
    node.state = event.type
  }

  /** Records where the tree differs. */
  compare(tree: WorkerNode): void {
    const paths: string[] = []
    const walk = (node: WorkerNode): void => {
      paths.push(node.path)
      const told = textOf(this.#nodes.get(node.path) ?? unheard(), node)
      const { state, runs, failures, restarts, missed } = node
      const is = `${state}, ${runs} runs, ${failures} failures, ${restarts} restarts, ${missed} missed`
      if (is !== told) this.errors.push(`${node.path || 'the root'} is ${is}; the events say ${told}`)
      node.children.forEach(walk)
    }
    walk(tree)
    this.paths = paths
    for (const path of this.#nodes.keys()) {
      if (!paths.includes(path)) this.errors.push(`${path} is gone, which no event says`)
    }
  }
}

function unheard(): Folded {
  return { state: 'waiting', starts: 0, ran: 0, failures: 0, restarts: 0, missed: 0 }
}

/** The runs of a plain worker are its starts. The root has no start of its own. */
function textOf(
  { state, starts, ran, failures, restarts, missed }: Folded,
  { kind, path }: WorkerNode,
): string {
  const runs = kind === 'repeat' ? ran : path === '' ? 0 : starts
  return `${state}, ${runs} runs, ${failures} failures, ${restarts} restarts, ${missed} missed`
}
