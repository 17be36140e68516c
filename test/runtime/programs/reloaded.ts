// A file that a program reloads after a change: the test loads it twice.
import { Worker, provideWorker } from 'runutil'
import type { DependencyContainer } from 'tsyringe'
import { note } from '../../support/runtime/run-group.ts'

export const made: string[] = []

@Worker({ group: 'reloaded' })
export class Reloaded {
  constructor() {
    made.push('Reloaded')
  }
  workers = () => [note]
}

class Provided {
  constructor() {
    made.push('Provided')
  }
  workers = () => [note]
}

export function provide(container: DependencyContainer): void {
  provideWorker(container, Provided, { group: 'reloaded' })
}
