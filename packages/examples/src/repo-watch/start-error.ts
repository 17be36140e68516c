/** The program cannot start; the message says what to do. */
export class StartError extends Error {
  readonly code: string = 'ERR_START'
  constructor(problem: string, options?: ErrorOptions) {
    super(`repo-watch: ${problem}`, options)
  }
}
