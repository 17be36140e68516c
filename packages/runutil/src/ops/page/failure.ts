/** Why something isn't known, as the API says it. */
export interface Failure {
  readonly code: string
  readonly message: string
}
