import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** The longest path that a unix socket may have; of a longer one, Node 20 silently takes the beginning. */
const LONGEST_PATH = 103
const NAME = 'relay.sock'

/** A directory of its own for a unix socket, which nobody else may enter unless `mode` lets them. */
export class SocketPlace {
  readonly path: string
  readonly #directory: string
  readonly #mode: number | undefined

  /** @param mode the permissions of the socket; default: those of this user alone */
  constructor(mode: number | undefined) {
    this.#mode = mode
    this.#directory = makeDirectory()
    this.path = join(this.#directory, NAME)
  }

  /** To be called when the socket is there. */
  open(): void {
    const mode = this.#mode
    if (mode === undefined) return
    chmodSync(this.path, mode)
    // Who may connect must get there, and need not see what else there is.
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
