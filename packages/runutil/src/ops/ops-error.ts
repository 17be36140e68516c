import { brandError } from '../core/brand.ts'

/** An answer of the API that isn't a success. */
export class OpsError extends Error {
  /** Of HTTP. */
  readonly status: number
  /** 'not-found', 'stale' … */
  readonly code: string
  readonly headers: Readonly<Record<string, string>>
  static {
    brandError(this, 'OpsError')
  }
  constructor(status: number, code: string, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message)
    this.status = status
    this.code = code
    this.headers = headers
  }
}
