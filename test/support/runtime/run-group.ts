import { type DependencyContainer, container as root } from 'tsyringe'
import { currentName, runProvidedWorkers, wait } from 'runutil'
import { capturedLogger } from '../logs.ts'

/** Runs the classes of a group until each of their workers has started once, then aborts. */
export async function runGroup(container: DependencyContainer, group: string): Promise<string[]> {
  const controller = new AbortController()
  setImmediate(() => controller.abort())
  names.length = 0
  await runProvidedWorkers(container, controller.signal, { group, logger: capturedLogger().logger })
  return [...names]
}

/** The names of the classes whose worker was `note` in the last group. */
export const names: string[] = []
/** A worker that records the name of its class, and then waits for the abort. */
export const note = (signal: AbortSignal): Promise<void> => (
  names.push(currentName().replace(/\/#\d+$/, '')),
  wait('1h', signal)
)

export const fresh = (): DependencyContainer => root.createChildContainer()
