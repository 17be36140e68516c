import type { ChildProcess } from 'node:child_process'
import { type Dialect, greet } from './handshake.ts'
import { type OutputSocket, openOutputSocket } from './output-socket.ts'
import type { Connecting, Relay } from './relay.ts'
import { WrongPidError } from './wrong-pid.ts'

/** A relay over the child's stdin and stdout; any other output on stdout breaks it. */
export class PipesRelay implements Relay {
  readonly stdio = 'relay'
  readonly address = 'pipes'
  readonly #dialect: Dialect

  constructor(dialect: Dialect) {
    this.#dialect = dialect
  }

  async open(): Promise<void> {}

  prepare(): Promise<OutputSocket | undefined> {
    return openOutputSocket()
  }

  connect(child: ChildProcess, connecting: Connecting, output?: OutputSocket): () => void {
    let cancelled = false
    greet(output?.input ?? child.stdout!, child.stdin!, this.#dialect, (result) => {
      if (cancelled) return
      if ('error' in result) connecting.failed(result.error)
      else if (result.pid === child.pid) connecting.connected(result.connection)
      else connecting.failed(new WrongPidError(child, result.pid))
    })
    return () => (cancelled = true)
  }

  explain(): string {
    return 'a worker reads the handshake from stdin and answers on stdout, flushed; give a slow one a longer handshakeTimeout'
  }

  async close(): Promise<void> {}

  remove(): void {}
}
