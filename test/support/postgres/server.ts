import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chown, mkdtemp } from 'node:fs/promises'
import { type AddressInfo, type Socket, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { Probe } from 'runutil/testing'
import { ask } from './ask.ts'
import { baseBackup } from './base-backup.ts'
import { type Binaries, type Identity, PASSWORD } from './binaries.ts'
import { binariesFor, initialise, run, serverIdentity } from './binaries.ts'
import { createDatabase } from './create-database.ts'

/** PostgreSQL itself says so, on starting and after each restart; the second is a standby. */
const READY = /database system is ready to accept (read-only )?connections/
const FAR_LONGER_THAN_NEEDED = '60s'

export interface PostgresServerOptions {
  /** Of postgresql.conf. Durable as it is by default, and on 127.0.0.1 alone. */
  settings?: Record<string, string>
}

/** What runs, and as whom. */
interface Program {
  readonly binaries: Binaries
  readonly identity: Identity
}

/**
 * A PostgreSQL server from npm-shipped binaries, in a folder of its own. It ends with this process, however that
 * ends.
 */
export class PostgresServer {
  readonly #folder: string
  readonly #options: string[]
  readonly #program: Program
  readonly #guard: ChildProcess
  readonly port: number
  #process: ChildProcess | undefined

  static async start({ settings = {} }: PostgresServerOptions = {}): Promise<PostgresServer> {
    const server = await PostgresServer.#made(settings)
    await initialise(server.#data, server.#program.identity, server.#program.binaries)
    await server.#start()
    return server
  }

  static async #made(settings: Record<string, string>): Promise<PostgresServer> {
    const identity = serverIdentity()
    const folder = await mkdtemp(join(tmpdir(), 'runutil-postgres-'))
    if (identity.uid !== undefined) await chown(folder, identity.uid, identity.gid!)
    const binaries = await binariesFor(identity, folder)
    return new PostgresServer(folder, await freePort(), { identity, binaries }, settings)
  }

  /** Another server that follows this one, from a copy of its data. */
  async standby(): Promise<PostgresServer> {
    const source = new URL(this.url)
    const slot = `standby_${randomBytes(6).toString('hex')}`
    const standby = await PostgresServer.#made({
      primary_conninfo: `host=127.0.0.1 port=${source.port} user=postgres password=${PASSWORD}`,
      primary_slot_name: slot,
      wal_retrieve_retry_interval: '100ms',
    })
    const owner = standby.#program.identity
    await baseBackup({ url: this.url, from: this.#data, to: standby.#data, owner, slot })
    await standby.#start()
    return standby
  }

  /** From now on, nothing is acknowledged that its standby doesn't have. Resolves when that one has all. */
  async beSynchronous(): Promise<void> {
    await ask(this.url, `alter system set synchronous_standby_names = '*'`)
    await ask(this.url, 'select pg_reload_conf()')
    await this.untilSynchronous()
  }

  /** Until a standby confirms again what is written. */
  async untilSynchronous(): Promise<void> {
    await ask(
      this.url,
      `do $$ begin
      while not exists (select from pg_stat_replication where sync_state = 'sync' and state = 'streaming') loop
        perform pg_sleep(0.01), pg_stat_clear_snapshot();
      end loop; end $$`,
    )
  }

  /** Ends a standby's following: from now on it takes writes itself. */
  async promote(): Promise<void> {
    await ask(this.url, 'select pg_promote()')
  }

  /** Ends it as a machine that loses power does, for good. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  private constructor(folder: string, port: number, program: Program, settings: Record<string, string>) {
    this.#folder = folder
    this.port = port
    this.#program = program
    const all = {
      listen_addresses: '127.0.0.1',
      unix_socket_directories: '',
      max_connections: '300',
      ...settings,
    }
    this.#options = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])
    this.#guard = guard(folder)
  }

  get #data(): string {
    return join(this.#folder, 'data')
  }

  /** Of the database `postgres`, as its superuser. */
  get url(): string {
    return `postgres://postgres:${PASSWORD}@127.0.0.1:${this.port}/postgres`
  }

  /** @returns the new database's url. Its name is random unless given. */
  createDatabase(name?: string): Promise<string> {
    return createDatabase(this.url, name)
  }

  /** Ends what it is doing as a shutdown does (fast) or as a crash does (immediate), and is there again. */
  async restart(mode: 'fast' | 'immediate'): Promise<void> {
    await this.#end(mode === 'fast' ? 'SIGINT' : 'SIGQUIT')
    await this.#start()
  }

  /** Ends it for a while. @returns starts it again, as it was */
  async pause(mode: 'fast' | 'immediate'): Promise<() => Promise<void>> {
    await this.#end(mode === 'fast' ? 'SIGINT' : 'SIGQUIT')
    return () => this.#start()
  }

  /** Stops all its processes where they are, as a machine that hangs does. @returns lets them go on */
  async freeze(): Promise<() => void> {
    const rows = await ask(this.url, 'select pid from pg_stat_activity')
    // The first, so that it makes no more of them.
    const pids = [this.#process!.pid!, ...rows.map((row) => (row as { pid: number }).pid)]
    const tell = (signal: NodeJS.Signals): void => {
      for (const pid of pids) {
        try {
          process.kill(pid, signal)
        } catch {
          // It has ended by itself.
        }
      }
    }
    tell('SIGSTOP')
    return () => tell('SIGCONT')
  }

  /** Ends every other connection, of one database or of all. @returns how many there were */
  async terminateBackends(database?: string): Promise<number> {
    const [row] = await ask(
      this.url,
      `select count(pg_terminate_backend(pid))::int as ended from pg_stat_activity
       where pid <> pg_backend_pid() and backend_type = 'client backend' and datname = coalesce($1, datname)`,
      [database ?? null],
    )
    return (row as { ended: number }).ended
  }

  /** Ends it and removes its folder. */
  async stop(): Promise<void> {
    const gone = once(this.#guard, 'exit')
    this.#guard.ref()
    this.#guard.stdin!.end()
    await gone
  }

  async #start(): Promise<void> {
    const { binaries, identity } = this.#program
    const args = ['-D', this.#data, '-p', String(this.port), ...this.#options]
    this.#process = run(binaries.postgres, args, identity)
    const ready = new Probe('PostgreSQL is ready', FAR_LONGER_THAN_NEEDED)
    const lines: string[] = []
    createInterface(this.#process.stderr!).on('line', (line) => {
      lines.push(line)
      if (READY.test(line)) ready.hit()
    })
    const ended = once(this.#process, 'exit').then(() => {
      if (ready.count === 0) throw new Error(`PostgreSQL didn't start:\n${lines.join('\n')}`)
    })
    await Promise.race([ready.times(1), ended])
    // A test that forgets it may end all the same.
    this.#process.unref()
    unref(this.#process.stderr!)
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const gone = once(this.#process!, 'exit')
    this.#process!.ref()
    this.#process!.kill(signal)
    await gone
  }
}

/** Reads until this process ends or stops it, then ends the server and removes its folder. */
function guard(folder: string): ChildProcess {
  const script = `
    cat > /dev/null
    pid=$(head -n 1 "$1/data/postmaster.pid" 2> /dev/null)
    if [ -n "$pid" ]; then
      kill -QUIT "$pid"
      tries=0
      while [ -e "$1/data/postmaster.pid" ] && kill -0 "$pid" 2> /dev/null && [ $tries -lt 100 ]; do
        sleep 0.02
        tries=$((tries + 1))
      done
    fi
    rm -rf "$1"`
  const child = spawn('sh', ['-c', script, 'guard', folder], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  child.unref()
  unref(child.stdin)
  return child
}

/** A pipe is a socket, though its type doesn't say so. */
function unref(pipe: Readable | Writable): void {
  ;(pipe as Socket).unref()
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
