/** Where the processes of one program see each other, and pass on commands. All times are the store's own. */
export interface ReplicaStore {
  /** Tells that this process lives, and what goes on in it. @returns the commands for it that wait, each of them once */
  beat(replica: ReplicaBeat): Promise<Command[]>
  /** Takes a process that stops off the list. */
  leave(id: string): Promise<void>
  /** All processes but those lost for an hour, the oldest first. */
  list(): Promise<Replica[]>
  /** What one of them last told of itself; undefined if it isn't known. */
  state(id: string): Promise<{ readonly state: unknown; readonly ageMs: number } | undefined>
  /** Passes a command on to a process. */
  send(command: NewCommand): Promise<void>
  /** What came of a command; undefined while that isn't known. A command that isn't taken within 30 s is void. */
  outcome(id: string): Promise<CommandOutcome | undefined>
  /** Tells what came of a command. */
  settle(id: string, outcome: CommandOutcome): Promise<void>
  /** Calls `listener` when there may be commands for this process, or outcomes for its calls. @returns how to end that */
  onCommand(listener: () => void): Promise<() => Promise<void>>
}

export interface ReplicaBeat {
  readonly id: string
  readonly name: string
  readonly host: string
  readonly pid: number
  /** Of runutil. */
  readonly version: string
  readonly startedAt: Date
  /** JSON. */
  readonly state: unknown
}

export interface Replica extends Omit<ReplicaBeat, 'state'> {
  /** How long ago it last told that it lives. */
  readonly ageMs: number
  /** Whether it hasn't for 15 s. */
  readonly lost: boolean
}

export interface NewCommand {
  readonly id: string
  /** The process that is to do it. */
  readonly replica: string
  /** JSON: see `command.ts`. */
  readonly command: unknown
  /** Who asked for it, for the log. */
  readonly by: string
}

export type Command = Omit<NewCommand, 'replica'>

export interface CommandOutcome {
  /** As of HTTP: 200, or what the error's status is. */
  readonly status: number
  /** JSON. */
  readonly body: unknown
}
