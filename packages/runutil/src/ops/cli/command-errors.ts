/** Why a command ends with an exit code that isn't 0. Its message is for people. */
export class CommandError extends Error {
  readonly exitCode: 1 | 2

  constructor(exitCode: 1 | 2, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'CommandError'
    this.exitCode = exitCode
  }
}

/** It was called in a wrong way. */
export function wrongUsage(message: string): CommandError {
  return new CommandError(2, message)
}

/** It was refused, or failed. */
export function failed(message: string, cause?: unknown): CommandError {
  return new CommandError(1, message, { cause })
}
