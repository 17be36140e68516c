// A class with the same name as one in another file.
import { provideWorker } from 'runutil'
import type { DependencyContainer } from 'tsyringe'
import { note } from '../../support/runtime/run-group.ts'

class Twin {
  workers = () => [note]
}

export function provideTwin(container: DependencyContainer, group: string): void {
  provideWorker(container, Twin, { group })
}
