import { brandError } from '../../core/brand.ts'

/** Another process, or another `openDatabase` of this one, has the folder open. */
export class DatabaseInUseError extends Error {
  readonly code = 'ERR_DATABASE_IN_USE'
  readonly folder: string
  readonly pid: number
  /** The host, or container, in which `pid` means it. */
  readonly host: string
  /** Since when it has it open. */
  readonly since: Date
  static {
    brandError(this, 'DatabaseInUseError')
  }
  constructor(folder: string, holder: { pid: number; host: string; since: string }, who: string) {
    super(
      `database folder ${folder} is in use by ${who}; ` +
        `close it there first, or share a server, by DATABASE_URL or openDatabase('postgres://…')`,
    )
    this.folder = folder
    this.pid = holder.pid
    this.host = holder.host
    this.since = new Date(holder.since)
  }
}

/** A database can't be made of what is in the folder: it is of another version of PostgreSQL, or broken. */
export class DatabaseFolderError extends Error {
  readonly code = 'ERR_DATABASE_FOLDER'
  readonly folder: string
  static {
    brandError(this, 'DatabaseFolderError')
  }
  constructor(folder: string, message: string, cause?: unknown) {
    super(`database folder ${folder}: ${message}`, { cause })
    this.folder = folder
  }
}

/**
 * The disk of an embedded database is full: nothing more is read or written through it. What it acknowledged is there
 * when it is opened again.
 */
export class DatabaseFullError extends Error {
  readonly code = 'ERR_DATABASE_FULL'
  static {
    brandError(this, 'DatabaseFullError')
  }
  constructor(folder: string | undefined, cause?: unknown) {
    const where = folder === undefined ? 'the embedded database in memory' : `database folder ${folder}`
    super(`${where}: the disk is full, and the database has stopped; make room and start again`, { cause })
  }
}

/** An embedded PostgreSQL has broken off, and runs nothing more. What it acknowledged is there when it is opened again. */
export class DatabasePanicError extends Error {
  readonly code = 'ERR_DATABASE_PANIC'
  static {
    brandError(this, 'DatabasePanicError')
  }
  constructor(folder: string | undefined, said: readonly string[], cause?: unknown) {
    const where = folder === undefined ? 'the embedded database in memory' : `database folder ${folder}`
    super(`${where}: PostgreSQL has broken off: ${said.join(' ') || 'it said nothing'}; start again`, {
      cause,
    })
  }
}

/** PGlite was put into a bundle without the files that it reads. */
export class BundledPeerError extends Error {
  readonly code = 'ERR_BUNDLED_PEER'
  readonly peer: string
  static {
    brandError(this, 'BundledPeerError')
  }
  constructor(peer: string, file: string) {
    super(
      `expected the package '${peer}' as it is installed; it was bundled into ${file}, without the files that it reads; ` +
        `keep ${peer} external, as esbuild does with --external:${peer}, and install it beside the bundle`,
    )
    this.peer = peer
  }
}
