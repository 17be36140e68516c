/** Where PGlite keeps its database, by its own names. */
export const DATA_FOLDER = '/pglite/data'

/** The used part of PGlite's WASM module. PGlite calls its functions as properties of it. */
export interface PgliteModule {
  readonly FS: {
    write: StreamOperations['write']
    isFile(mode: number): boolean
    mkdirTree(path: string): void
    writeFile(path: string, content: Uint8Array): void
    /** Closes all files. */
    quit(): void
  }
  /** Node's file system, which has the folder of the database. */
  readonly NODEFS: {
    readonly stream_ops: StreamOperations
    readonly node_ops: NodeOperations
    realPath(node: FileNode): string
  }
  stackRestore: (pointer: number) => void
  _PostgresMainLoopOnce: () => void
  _PostgresSendReadyForQueryIfNecessary: () => void
  _pgl_pq_flush: () => void
}

export interface StreamOperations {
  write(stream: FileStream, buffer: Uint8Array, offset: number, length: number, position?: number): number
  setattr(stream: FileStream, change: FileChange): void
  fsync?(stream: FileStream): number
}

export interface NodeOperations {
  setattr(node: FileNode, change: FileChange): void
}

export interface FileChange {
  mode?: number
  readonly size?: number
}

export interface FileNode {
  readonly mode: number
}

export interface FileStream {
  /** PostgreSQL's name of it. */
  readonly path: string
  readonly node: FileNode
  /** Node's file descriptor. */
  readonly nfd: number
}

export interface ModuleOptions {
  readonly preRun?: readonly ((module: PgliteModule) => void)[]
  instantiateWasm(imports: ModuleImports, onInstance: Function): unknown
}

/** What the WASM module imports. */
export interface ModuleImports {
  readonly env: Record<string, Function>
}

/** An extension of PGlite. */
export interface PgliteExtension {
  readonly name: string
  setup(pglite: unknown, options: ModuleOptions): Promise<{ emscriptenOpts: ModuleOptions }>
}

/**
 * Stops PostgreSQL: every call throws this error. After a PANIC, PGlite would otherwise call into it in an endless loop
 * that blocks the event loop.
 */
export function halt(module: PgliteModule, error: Error): void {
  const refuse = (): never => {
    throw error
  }
  module._PostgresMainLoopOnce = refuse
  // PGlite calls it after the function above has thrown, outside of its try block.
  module.stackRestore = refuse
  module._PostgresSendReadyForQueryIfNecessary = () => {}
  module._pgl_pq_flush = () => {}
}
