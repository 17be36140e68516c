import { chmodSync, mkdtempSync, rmdirSync, unlinkSync } from 'node:fs'
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

  /** Removes socket and directory, whichever is still there. */
  remove(): void {
    // Not by rmSync: its lstat of a socket makes realpathSync of Node 20 and 22 leave links as they are, so that the next import of a
    // package under pnpm finds the dependencies of another.
    unlessGone(() => unlinkSync(this.path))
    unlessGone(() => rmdirSync(this.#directory))
  }
}

function makeDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), PREFIX))
  if (Buffer.byteLength(join(directory, NAME)) <= LONGEST_PATH) return directory
  rmdirSync(directory)
  return mkdtempSync(join('/tmp', PREFIX))
}

function unlessGone(remove: () => void): void {
  try {
    remove()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}

const PREFIX = 'runutil-'
