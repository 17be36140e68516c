import type { ApiClient } from './api-client.ts'
import type { Output } from './text/output.ts'
import type { Terminal } from './terminal.ts'

/** The flags of an option and what it is for, as `commander` takes them: ['--kind <kind>', 'of that kind']. */
export type OptionLine = readonly [flags: string, about: string]

/** The options that were given, by their names: 'idPrefix' of '--id-prefix'. */
export interface Options {
  text(name: string): string | undefined
  isSet(name: string): boolean
}

/** One call of a command. */
export interface Call {
  readonly args: readonly (string | undefined)[]
  readonly options: Options
  readonly isJson: boolean
  /** Made when it is used: some commands need no process. */
  readonly api: ApiClient
  readonly output: Output
  readonly terminal: Terminal
}

export interface CliCommand {
  /** With its arguments: 'job <id>'. */
  readonly usage: string
  readonly about: string
  readonly options?: readonly OptionLine[]
  /** Shown below the options. */
  readonly more?: string
  /** @returns the exit code; undefined: 0 @throws CommandError */
  run(call: Call): Promise<number | undefined>
}
