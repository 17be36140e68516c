import { ActionTable } from './action-table.ts'
import { type ActionRecord, LOST, type RecordChange } from './action.ts'
import type { ActionStates } from './task-queue.ts'

/** The records of actions in memory. */
export class MemoryRecords implements ActionStates {
  readonly table = new ActionTable()

  create(record: ActionRecord): void {
    this.table.put(record)()
  }

  /** @throws ErrNoSuchAction, ErrActionEnded */
  update(change: RecordChange, ifRunning: boolean): ActionRecord {
    const record = this.table.changed(change, ifRunning)
    if (record === undefined) return this.table.get(change.id)!
    this.table.put(record)()
    return record
  }

  isRunning(id: string): boolean {
    return this.table.isRunning(id)
  }

  async markLost(id: string, now: number): Promise<void> {
    this.update({ ...LOST, id, updatedAt: now }, true)
  }
}
