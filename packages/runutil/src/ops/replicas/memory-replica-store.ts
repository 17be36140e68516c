import type { Clock } from '../../core/clock.ts'
import { currentClock } from '../../core/context.ts'
import { checkOptions } from '../../core/options.ts'
import {
  type Command,
  type CommandOutcome,
  FORGOTTEN_AFTER_MS,
  LOST_AFTER_MS,
  type NewCommand,
  type Replica,
  type ReplicaBeat,
  type ReplicaStore,
  type UnknownOutcome,
  VOID_AFTER_MS,
} from './replica-store.ts'

interface KnownReplica {
  readonly facts: Omit<ReplicaBeat, 'state'>
  /** As JSON, as it was then. */
  readonly state: string
  readonly seenAt: number
}

interface KnownCommand {
  readonly id: string
  readonly replica: string
  readonly command: string
  readonly by: string
  readonly sentAt: number
  isTaken: boolean
  outcome: { readonly status: number; readonly body: string } | undefined
}

/** Replicas within one process, for tests and for a process that is alone. */
export class MemoryReplicaStore implements ReplicaStore {
  readonly #clock: Clock
  readonly #replicas = new Map<string, KnownReplica>()
  readonly #commands = new Map<string, KnownCommand>()
  readonly #listeners = new Map<string, Set<() => void>>()

  /** @param options clock: default the group's, else the system's */
  constructor(options: { clock?: Clock } = {}) {
    this.#clock = checkOptions('MemoryReplicaStore', options, ['clock']).clock ?? currentClock()
  }

  async beat({ state, ...facts }: ReplicaBeat): Promise<Command[]> {
    this.#forget()
    this.#replicas.set(facts.id, { facts, state: JSON.stringify(state), seenAt: this.#clock.elapsed() })
    const waiting = [...this.#commands.values()].filter((command) => this.#isFor(facts.id, command))
    for (const command of waiting) command.isTaken = true
    return waiting.map(({ id, command, by }) => ({ id, command: JSON.parse(command) as unknown, by }))
  }

  #forget(): void {
    for (const [id, { seenAt }] of this.#replicas)
      if (this.#age(seenAt) > FORGOTTEN_AFTER_MS) this.#replicas.delete(id)
    for (const [id, { sentAt }] of this.#commands)
      if (this.#age(sentAt) > FORGOTTEN_AFTER_MS) this.#commands.delete(id)
  }

  #isFor(id: string, { replica, outcome, sentAt }: KnownCommand): boolean {
    return replica === id && outcome === undefined && this.#age(sentAt) < VOID_AFTER_MS
  }

  async leave(id: string): Promise<void> {
    this.#replicas.delete(id)
  }

  async list(): Promise<Replica[]> {
    this.#forget()
    const all = [...this.#replicas.values()].map(({ facts, seenAt }) => {
      const ageMs = this.#age(seenAt)
      return { ...facts, ageMs: Math.round(ageMs), lost: ageMs > LOST_AFTER_MS }
    })
    return all.sort((a, b) => a.startedAt.getTime() - b.startedAt.getTime() || (a.id < b.id ? -1 : 1))
  }

  async state(id: string): Promise<{ readonly state: unknown; readonly ageMs: number } | undefined> {
    this.#forget()
    const known = this.#replicas.get(id)
    return known && { state: JSON.parse(known.state) as unknown, ageMs: Math.round(this.#age(known.seenAt)) }
  }

  async send({ id, replica, command, by }: NewCommand): Promise<boolean> {
    this.#forget()
    if (!this.#replicas.has(replica)) return false
    const isNew = !this.#commands.has(id)
    const sentAt = this.#clock.elapsed()
    const text = JSON.stringify(command)
    if (isNew)
      this.#commands.set(id, { id, replica, command: text, by, sentAt, isTaken: false, outcome: undefined })
    for (const listener of this.#listeners.get(replica) ?? []) listener()
    return true
  }

  async outcome(id: string): Promise<CommandOutcome | UnknownOutcome> {
    const command = this.#commands.get(id)
    if (command === undefined) return 'void'
    const { outcome, isTaken, replica, sentAt } = command
    if (outcome !== undefined) return { status: outcome.status, body: JSON.parse(outcome.body) as unknown }
    const seenAt = this.#replicas.get(replica)?.seenAt
    if (isTaken) return seenAt === undefined || this.#age(seenAt) > LOST_AFTER_MS ? 'lost' : 'open'
    return seenAt === undefined || this.#age(sentAt) >= VOID_AFTER_MS ? 'void' : 'open'
  }

  async settle(id: string, { status, body }: CommandOutcome): Promise<void> {
    const command = this.#commands.get(id)
    if (command !== undefined) command.outcome ??= { status, body: JSON.stringify(body) }
  }

  async onCommand(id: string, listener: () => void): Promise<() => Promise<void>> {
    const listeners = this.#listeners.get(id) ?? new Set()
    this.#listeners.set(id, listeners)
    const own = (): void => listener()
    listeners.add(own)
    return async () => {
      listeners.delete(own)
      if (listeners.size === 0) this.#listeners.delete(id)
    }
  }

  #age(at: number): number {
    return this.#clock.elapsed() - at
  }
}
