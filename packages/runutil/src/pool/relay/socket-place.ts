import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** The longest path of a unix socket; Node 20 silently truncates a longer one. */
const LONGEST_PATH = 103
const NAME = 'relay.sock'

/** A private directory for a unix socket; other users may enter it only if `mode` allows it. */
export class SocketPlace {
  readonly path: string
  readonly #directory: string
  readonly #mode: number | undefined

  /** @param mode the permissions of the socket; default: this user alone */
  constructor(mode: number | undefined) {
    this.#mode = mode
    this.#directory = makeDirectory()
    this.path = join(this.#directory, NAME)
  }

  /** Sets the permissions; call it once the socket exists. */
  open(): void {
    const mode = this.#mode
    if (mode === undefined) return
    chmodSync(this.path, mode)
    // Users who may connect must be able to enter the directory, but need not list it.
    chmodSync(this.#directory, 0o700 | (mode & 0o070 ? 0o010 : 0) | (mode & 0o007 ? 0o001 : 0))
  }

  remove(): void {
    rmSync(this.#directory, { recursive: true, force: true })
  }
}

function makeDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), PREFIX))
  if (Buffer.byteLength(join(directory, NAME)) <= LONGEST_PATH) return directory
  rmSync(directory, { recursive: true, force: true })
  return mkdtempSync(join('/tmp', PREFIX))
}

const PREFIX = 'runutil-'
