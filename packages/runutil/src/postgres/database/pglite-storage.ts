import { fdatasyncSync, fsyncSync } from 'node:fs'
import { DatabaseFullError, DatabasePanicError } from './embedded-errors.ts'
import {
  type FileChange,
  type FileNode,
  type FileStream,
  type ModuleImports,
  type ModuleOptions,
  type PgliteExtension,
  type PgliteModule,
  halt,
} from './pglite-module.ts'
import { PgliteWal } from './pglite-wal.ts'
import { type PreparedFolder, putInMemory } from './prepared-folder.ts'

/** An error quotes this many lines of PostgreSQL's output. */
const MOST_LINES = 10
/** The permissions of group and others. PostgreSQL leaves them to the umask, which is the caller's. */
const OTHERS = 0o077
/** ENOSPC and EDQUOT, by their numbers in WASM. */
const NO_SPACE: readonly number[] = [51, 19]

export interface PgliteStorageProps {
  /** The folder of the database; undefined: in memory. */
  readonly folder?: string | undefined
  /** Whether a commit is flushed to the disk before it is acknowledged. */
  readonly durable: boolean
  /** Called before each write; throws when nothing may be written any more. */
  readonly guard?: (() => void) | undefined
  /** The initial contents of a database in memory. */
  readonly prepared?: PreparedFolder | undefined
}

/**
 * Stands between PostgreSQL and the files of an embedded database: flushes what has to be flushed, counts what is written
 * to its log, and stops PostgreSQL at the first write that fails, which PGlite can't.
 *
 * working ─► failed. After a failure it writes nothing more; what was acknowledged is there when it is opened again.
 */
export class PgliteStorage {
  readonly wal = new PgliteWal()
  readonly #props: PgliteStorageProps
  readonly #output: string[] = []
  #module: PgliteModule | undefined
  #failure: Error | undefined
  /** The files changed during start-up. After a crash, PostgreSQL flushes all other files as well, one by one. */
  #changed: Set<string> | undefined = new Set()

  constructor(props: PgliteStorageProps) {
    this.#props = props
  }

  /** What stopped it. */
  get failure(): Error | undefined {
    return this.#failure
  }

  /** The last lines of PostgreSQL's output. */
  get output(): readonly string[] {
    return this.#output
  }

  /** From now on every flush is executed. Before, files that it hasn't changed are assumed to be on the disk. */
  started(): void {
    this.#changed = undefined
  }

  /** For PGlite's option `extensions`, which hands over its module before it starts. */
  get extension(): PgliteExtension {
    return {
      name: 'runutil',
      setup: (_, options) =>
        Promise.resolve({
          emscriptenOpts: {
            ...options,
            instantiateWasm: (imports, onInstance) => this.#instantiate(options, imports, onInstance),
            preRun: [...(options.preRun ?? []), (module) => this.#attach(module)],
          },
        }),
    }
  }

  /** For PGlite's option `onStderr`. */
  readonly onStderr = (text: string): boolean => {
    this.#output.push(text)
    if (this.#output.length > MOST_LINES) this.#output.shift()
    return false
  }

  /** @throws what stopped it */
  assertUsable(): void {
    if (this.#failure !== undefined) throw this.#failure
    try {
      this.#props.guard?.()
    } catch (error) {
      this.#fail(error as Error)
    }
  }

  /** The error that the caller should see. One that says that the disk is full stops the database. */
  errorOf(error: unknown): unknown {
    if (this.#failure === undefined && (error as { code?: string }).code === '53100')
      this.#stop(this.#full(error))
    return this.#failure ?? error
  }

  /** Closes the files without writing anything more. */
  abandon(): void {
    this.#module?.FS.quit()
  }

  #instantiate(options: ModuleOptions, imports: ModuleImports, onInstance: Function): unknown {
    // PostgreSQL's timers could only fire between two statements, where they would keep the process alive.
    imports.env['_setitimer_js'] = () => 0
    imports.env['_abort_js'] = () => this.#fail(new DatabasePanicError(this.#props.folder, this.#output))
    return options.instantiateWasm(imports, onInstance)
  }

  #attach(module: PgliteModule): void {
    this.#module = module
    const { folder, durable, prepared } = this.#props
    if (prepared !== undefined) putInMemory(module, prepared)
    this.wal.attach(module)
    if (folder === undefined) return
    const { stream_ops: streams, node_ops: nodes } = module.NODEFS
    const write = streams.write.bind(streams)
    const change = streams.setattr.bind(streams)
    const changeNode = nodes.setattr.bind(nodes)
    streams.write = (...args) => {
      const [stream, , , length] = args
      this.#noteChange(module, stream.node)
      return this.#write(length, () => write(...args))
    }
    streams.setattr = (stream, wanted) => change(stream, this.#allowed(module, stream.node, wanted))
    nodes.setattr = (node, wanted) => changeNode(node, this.#allowed(module, node, wanted))
    if (durable) streams.fsync = (stream) => this.#flush(module, stream)
  }

  #noteChange({ NODEFS }: PgliteModule, node: FileNode): void {
    this.#changed?.add(NODEFS.realPath(node))
  }

  #allowed(module: PgliteModule, node: FileNode, change: FileChange): FileChange {
    if (change.size !== undefined) this.#noteChange(module, node)
    return change.mode === undefined ? change : { ...change, mode: change.mode & ~OTHERS }
  }

  #write(length: number, write: () => number): number {
    this.assertUsable()
    let written: number
    try {
      written = write()
    } catch (error) {
      if (NO_SPACE.includes((error as { errno: number }).errno)) this.#fail(this.#full(error))
      throw error
    }
    // A short write: the disk is full now.
    if (written < length) this.#fail(this.#full())
    return written
  }

  /** After a flush that failed, nothing may be acknowledged: PostgreSQL assumes that the flush succeeded. */
  #flush({ FS, NODEFS }: PgliteModule, { nfd, node }: FileStream): number {
    this.assertUsable()
    const isFile = FS.isFile(node.mode)
    if (isFile && this.#changed?.has(NODEFS.realPath(node)) === false) return 0
    try {
      if (isFile) fdatasyncSync(nfd)
      else fsyncSync(nfd)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'ENOSPC' || code === 'EDQUOT') this.#fail(this.#full(error))
      this.#fail(new DatabasePanicError(this.#props.folder, [(error as Error).message], error))
    }
    return 0
  }

  #full(cause?: unknown): DatabaseFullError {
    return new DatabaseFullError(this.#props.folder, cause)
  }

  #fail(error: Error): never {
    this.#stop(error)
    throw error
  }

  #stop(error: Error): void {
    this.#failure = error
    if (this.#module !== undefined) halt(this.#module, error)
  }
}
