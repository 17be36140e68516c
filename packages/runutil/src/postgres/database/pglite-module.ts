/** As much of the WASM module in a PGlite as is used. Its functions are called by PGlite as properties of it. */
export interface PgliteModule {
  readonly FS: {
    write: StreamOperations['write']
    isFile(mode: number): boolean
    mkdirTree(path: string): void
    writeFile(path: string, content: Uint8Array): void
    /** Closes all files. */
    quit(): void
  }
  /** The file system of Node, in which the folder of a database is. */
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
  /** As PostgreSQL names it. */
  readonly path: string
  readonly node: FileNode
  /** The descriptor of Node. */
  readonly nfd: number
}

export interface ModuleOptions {
  readonly preRun?: readonly ((module: PgliteModule) => void)[]
  instantiateWasm(imports: ModuleImports, onInstance: Function): unknown
}

/** What the WASM calls. */
export interface ModuleImports {
  readonly env: Record<string, Function>
}

/** What PGlite takes among its `extensions`. */
export interface PgliteExtension {
  readonly name: string
  setup(pglite: unknown, options: ModuleOptions): Promise<{ emscriptenOpts: ModuleOptions }>
}

/**
 * Lets nothing of PostgreSQL run any more: whatever is called ends with this error. Without it, PGlite would enter it
 * again and again after a PANIC, for ever and without a turn of the event loop.
 */
export function halt(module: PgliteModule, error: Error): void {
  const refuse = (): never => {
    throw error
  }
  module._PostgresMainLoopOnce = refuse
  // PGlite calls it with whatever the one above has thrown, outside of what it catches.
  module.stackRestore = refuse
  module._PostgresSendReadyForQueryIfNecessary = () => {}
  module._pgl_pq_flush = () => {}
}
