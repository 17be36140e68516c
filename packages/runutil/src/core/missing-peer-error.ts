import { brandError } from './brand.ts'

/** An optional package that this use of runutil needs isn't installed. */
export class MissingPeerError extends Error {
  readonly code = 'ERR_MISSING_PEER'
  /** The name of the package. */
  readonly peer: string
  static {
    brandError(this, 'MissingPeerError')
  }
  constructor(peer: string, cause: unknown) {
    super(`expected the package '${peer}'; it isn't installed; run npm i ${peer}`, { cause })
    this.peer = peer
  }
}
