import { brandError } from '../../core/brand.ts'

/** Another process, or another `openDatabase` of this process, has the folder open. */
export class DatabaseInUseError extends Error {
  readonly code = 'ERR_DATABASE_IN_USE'
  readonly folder: string
  /** The process that has the folder open. */
  readonly pid: number
  /** The host or container of `pid`. */
  readonly host: string
  /** When it opened the folder. */
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

/** The folder can't be opened: it has the database of another PostgreSQL version, or is corrupt. */
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
 * The disk of an embedded database is full; the database has stopped. What it acknowledged is there when it is opened
 * again.
 */
export class DatabaseFullError extends Error {
  readonly code = 'ERR_DATABASE_FULL'
  static {
    brandError(this, 'DatabaseFullError')
  }
  constructor(folder: string | undefined, cause?: unknown) {
    const where = folder === undefined ? 'the embedded database in memory' : `database folder ${folder}`
    super(`${where}: the disk is full, and the database has stopped; free some space and start again`, {
      cause,
    })
  }
}

/** An embedded PostgreSQL has crashed. What it acknowledged is there when it is opened again. */
export class DatabasePanicError extends Error {
  readonly code = 'ERR_DATABASE_PANIC'
  static {
    brandError(this, 'DatabasePanicError')
  }
  constructor(folder: string | undefined, output: readonly string[], cause?: unknown) {
    const where = folder === undefined ? 'the embedded database in memory' : `database folder ${folder}`
    super(`${where}: PostgreSQL has crashed: ${output.join(' ') || 'without output'}; start again`, {
      cause,
    })
  }
}

/** PGlite was bundled without the files that it reads. */
export class BundledPeerError extends Error {
  readonly code = 'ERR_BUNDLED_PEER'
  readonly peer: string
  static {
    brandError(this, 'BundledPeerError')
  }
  constructor(peer: string, file: string) {
    super(
      `expected the package '${peer}' outside of the bundle; it was bundled into ${file}, without the files that it reads; ` +
        `keep it external (esbuild: --external:${peer}) and install it next to the bundle`,
    )
    this.peer = peer
  }
}
