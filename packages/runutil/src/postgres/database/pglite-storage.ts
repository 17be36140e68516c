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
import type { PreparedFolder } from './prepared-folder.ts'

/** Where PGlite keeps its database, by its own names. */
const DATA = '/pglite/data'
/** Then a checkpoint is due. PGlite makes none but at its end, and keeps all since the last one. */
const MOST_WAL_BYTES = 64 * 2 ** 20
/** The last lines of what PostgreSQL says are enough for an error. */
const MOST_LINES = 10
/** What a mode gives to others than the owner. PostgreSQL leaves it to the umask, which is the caller's. */
const OTHERS = 0o077
/** Full, or a quota's end, by the numbers of errors in WASM. */
const NO_SPACE: readonly number[] = [51, 19]

export interface PgliteStorageProps {
  /** The folder of the database; none for one in memory. */
  readonly folder?: string | undefined
  /** Whether what was committed is on the disk before it is acknowledged. */
  readonly durable: boolean
  /** Asked before each write. It throws when nothing may be written any more. */
  readonly guard?: (() => void) | undefined
  /** What a database in memory begins with. */
  readonly prepared?: PreparedFolder | undefined
}

/**
 * Stands between PostgreSQL and the files of an embedded database: flushes what is to be flushed, counts what goes into
 * its log, and stops all of it at the first write that fails, since PGlite can't.
 *
 * working ─► failed. A failed one writes nothing more; what was acknowledged is there when it is opened again.
 */
export class PgliteStorage {
  readonly #props: PgliteStorageProps
  readonly #said: string[] = []
  #module: PgliteModule | undefined
  #failure: Error | undefined
  /** While it starts, the files that it has changed: after a crash, PostgreSQL flushes all others too, one by one. */
  #changed: Set<string> | undefined = new Set()
  #walBytes = 0

  constructor(props: PgliteStorageProps) {
    this.#props = props
  }

  /** What stopped it. */
  get failure(): Error | undefined {
    return this.#failure
  }

  /** What PostgreSQL has last said, line by line. */
  get said(): readonly string[] {
    return this.#said
  }

  get isCheckpointDue(): boolean {
    return this.#walBytes >= MOST_WAL_BYTES
  }

  checkpointed(): void {
    this.#walBytes = 0
  }

  /** From now on, whatever is to be flushed is. Until then, what it hasn't changed is believed to be on the disk. */
  started(): void {
    this.#changed = undefined
  }

  /** For the `extensions` of PGlite: it gives us its module before it starts. */
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

  /** For `onStderr` of PGlite. */
  readonly onStderr = (text: string): boolean => {
    this.#said.push(text)
    if (this.#said.length > MOST_LINES) this.#said.shift()
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

  /** The error as the caller should see it; one that says that the disk is full stops everything. */
  errorOf(error: unknown): unknown {
    if (this.#failure === undefined && (error as { code?: string }).code === '53100')
      this.#stop(this.#full(error))
    return this.#failure ?? error
  }

  /** Lets go of the files and writes nothing more. */
  abandon(): void {
    this.#module?.FS.quit()
  }

  #instantiate(options: ModuleOptions, imports: ModuleImports, onInstance: Function): unknown {
    // A timer of PostgreSQL's could only fire between two statements, and there it would keep the process alive.
    imports.env['_setitimer_js'] = () => 0
    imports.env['_abort_js'] = () => this.#fail(new DatabasePanicError(this.#props.folder, this.#said))
    return options.instantiateWasm(imports, onInstance)
  }

  #attach(module: PgliteModule): void {
    this.#module = module
    const { folder, durable, prepared } = this.#props
    if (prepared !== undefined) putInMemory(module, prepared)
    this.#countLog(module)
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

  /** In memory too, where it would grow as well. */
  #countLog({ FS }: PgliteModule): void {
    const write = FS.write.bind(FS)
    FS.write = (...args) => {
      const written = write(...args)
      if (args[0].path.startsWith(`${DATA}/pg_wal/`)) this.#walBytes += written
      return written
    }
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
    // The last bytes that there was room for.
    if (written < length) this.#fail(this.#full())
    return written
  }

  /** What PostgreSQL believes to be on the disk has to be, or nothing that comes after it may be acknowledged. */
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

function putInMemory({ FS }: PgliteModule, { folders, files }: PreparedFolder): void {
  FS.mkdirTree(DATA)
  for (const folder of folders) FS.mkdirTree(`${DATA}/${folder}`)
  for (const { path, content } of files) FS.writeFile(`${DATA}/${path}`, content())
}
