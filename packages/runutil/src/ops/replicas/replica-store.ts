/** A process that hasn't told for this long that it lives is lost. */
export const LOST_AFTER_MS = 15_000
/** One that is lost for this long is removed; so are commands of that age. */
export const FORGOTTEN_AFTER_MS = 3_600_000
/** A command that isn't taken within this time is void. */
export const VOID_AFTER_MS = 30_000

/**
 * Where the processes of one program see each other, and pass on commands. All times are the store's own, and it may be that
 * its clock is set.
 *
 * A command is void unless its process takes it, by a `beat`, within 30 s. It is given out with each beat of that time until it is
 * settled, since an answer may be lost: the process remembers which ones it has begun, and begins each once.
 *
 * Every method rejects with a StoreUnavailableError when the store can't be reached for now.
 */
export interface ReplicaStore {
  /** Tells that this process lives, and what goes on in it. @returns the commands for it that aren't settled, the oldest first */
  beat(replica: ReplicaBeat): Promise<Command[]>
  /** Takes a process that stops off the list. What it has taken may still be settled. */
  leave(id: string): Promise<void>
  /** All processes but those that haven't told for an hour that they live, the oldest first. */
  list(): Promise<Replica[]>
  /** What one of them last told of itself, and how long ago; undefined if it isn't known. */
  state(id: string): Promise<{ readonly state: unknown; readonly ageMs: number } | undefined>
  /** Passes a command on to a process; once, when called again with its id. @returns false when no such process is known */
  send(command: NewCommand): Promise<boolean>
  /** What came of a command. */
  outcome(id: string): Promise<CommandOutcome | UnknownOutcome>
  /** Tells what came of a command; only the first call has an effect. */
  settle(id: string, outcome: CommandOutcome): Promise<void>
  /**
   * Calls `listener` when there may be commands for the process of that id. A store that can't tell never does so: commands then
   * come with the next beat.
   *
   * @returns how to end that
   */
  onCommand(id: string, listener: () => void): Promise<() => Promise<void>>
}

/** What a process tells of itself every few seconds. */
export interface ReplicaBeat {
  /** Of one process, and no other ever. */
  readonly id: string
  /** What the process is called in lists; several may have one name. */
  readonly name: string
  readonly host: string
  readonly pid: number
  /** Of runutil. */
  readonly version: string
  /** When it began to tell of itself, by its own clock. */
  readonly startedAt: Date
  /** JSON. */
  readonly state: unknown
}

/** A process of the program, as the others see it. */
export interface Replica extends Omit<ReplicaBeat, 'state'> {
  /** How long ago it last told that it lives. */
  readonly ageMs: number
  /** Whether it hasn't for 15 s. */
  readonly lost: boolean
}

/** A command for one process. */
export interface NewCommand {
  readonly id: string
  /** The process that is to do it. */
  readonly replica: string
  /** JSON: see `remote-command.ts`. */
  readonly command: unknown
  /** Who asked for it, for the log. */
  readonly by: string
}

/** What a process is told to do. */
export type Command = Omit<NewCommand, 'replica'>

/** What came of a command. */
export interface CommandOutcome {
  /** As of HTTP: 200, 202, or what the error's status is. */
  readonly status: number
  /** JSON. */
  readonly body: unknown
}

/**
 * 'open': it waits, or is being done. 'void': it was not taken in time, or its process left before, or it isn't known; it won't be
 * done. 'lost': its process is lost, or left, since it took it; nobody knows what it did.
 */
export type UnknownOutcome = 'open' | 'void' | 'lost'
