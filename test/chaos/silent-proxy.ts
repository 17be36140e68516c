import { once } from 'node:events'
import { type AddressInfo, type Server, type Socket, connect, createServer } from 'node:net'

interface Pair {
  readonly near: Socket
  readonly far: Socket
  /** Resolves when the client has closed its side. */
  readonly gone: Promise<void>
  silent: boolean
}

/** Connections that went silent: nothing passes any more, and neither side is told. */
export interface Silenced {
  readonly count: number
  /** The server's sides end, as they do when it misses its clients. These still hear nothing. */
  dropFar(): void
  /** Resolves when the clients have given all of them up. */
  readonly givenUp: Promise<void>
}

/** Stands before a port of this machine and passes on what comes, until told to be silent. */
export class SilentProxy {
  readonly #server: Server
  readonly #pairs = new Set<Pair>()

  static async open(farPort: number): Promise<SilentProxy> {
    const proxy = new SilentProxy(farPort)
    proxy.#server.listen(0, '127.0.0.1')
    await once(proxy.#server, 'listening')
    return proxy
  }

  private constructor(farPort: number) {
    this.#server = createServer((near) => this.#join(near, connect(farPort, '127.0.0.1')))
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Those that there are now; new ones pass as before. */
  silence(): Silenced {
    const pairs = [...this.#pairs].filter(({ silent }) => !silent)
    for (const pair of pairs) {
      pair.silent = true
      // What waits to be passed on would hide the end.
      pair.near.resume()
      pair.far.resume()
    }
    return {
      count: pairs.length,
      dropFar: () => pairs.forEach(({ far }) => far.destroy()),
      givenUp: Promise.all(pairs.map(({ gone }) => gone)).then(() => {}),
    }
  }

  close(): void {
    this.#server.close()
    for (const { near, far } of this.#pairs) {
      near.destroy()
      far.destroy()
    }
  }

  #join(near: Socket, far: Socket): void {
    const gone = new Promise<void>((resolve) => near.once('close', () => resolve()))
    const pair: Pair = { near, far, gone, silent: false }
    this.#pairs.add(pair)
    void gone.then(() => this.#pairs.delete(pair))
    pass(near, far, pair)
    pass(far, near, pair)
  }
}

function pass(from: Socket, to: Socket, pair: Pair): void {
  from.setNoDelay(true)
  // Followed by 'close'.
  from.on('error', () => {})
  from.on('data', (bytes) => {
    if (pair.silent || to.write(bytes)) return
    from.pause()
    to.once('drain', () => from.resume())
  })
  from.once('close', () => {
    if (!pair.silent) to.destroy()
  })
}
