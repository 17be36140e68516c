import { brandError } from './brand.ts'

/** Another process, or another server of this process, listens on that port. */
export class PortInUseError extends Error {
  readonly code = 'ERR_PORT_IN_USE'
  readonly port: number
  /** The name or address that was to be listened on; undefined: all addresses. */
  readonly host: string | undefined
  static {
    brandError(this, 'PortInUseError')
  }
  /** @param options.hint how to choose another, where that is always the same */
  constructor(port: number, host: string | undefined, options: ErrorOptions & { hint?: string } = {}) {
    const { hint, ...rest } = options
    super(
      `port ${port}${host === undefined ? '' : ` of ${host}`} is in use; stop what listens there, or choose another` +
        (hint === undefined ? '' : `: ${hint}`),
      rest,
    )
    this.port = port
    this.host = host
  }
}

/** The `host` cannot be resolved, or is not an address of this machine. */
export class HostNotFoundError extends Error {
  readonly code = 'ERR_HOST_NOT_FOUND'
  readonly host: string
  static {
    brandError(this, 'HostNotFoundError')
  }
  constructor(host: string, options?: ErrorOptions) {
    super(`${host} is no address of this machine; use '0.0.0.0' or '::' to listen on all of them`, options)
    this.host = host
  }
}

const IN_USE: readonly unknown[] = ['EADDRINUSE']
const NOT_FOUND: readonly unknown[] = ['ENOTFOUND', 'EAI_AGAIN', 'EADDRNOTAVAIL']

/** Converts Node's error of a failed listen to one that says what to do. @param hint as of a PortInUseError */
export function listenError(cause: unknown, port: number, host: string | undefined, hint?: string): unknown {
  const { code } = cause as { code?: unknown }
  if (IN_USE.includes(code))
    return new PortInUseError(port, host, { cause, ...(hint !== undefined && { hint }) })
  return host !== undefined && NOT_FOUND.includes(code) ? new HostNotFoundError(host, { cause }) : cause
}
