import { randomBytes } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { describe } from '../core/describe.ts'
import { type Duration, toMs } from '../core/duration.ts'
import { InvalidArgumentError } from '../core/errors.ts'
import { checkOptions } from '../core/options.ts'
import { isWholeNumber, wholeNumber } from '../core/whole-number.ts'
import { commandOf } from './module-command.ts'
import { type Protocol, type ProtocolName, protocols } from './relay/protocol.ts'
import type { Command } from './worker/spawn.ts'

/** Options of a `ProcessPool`. */
export interface ProcessPoolOptions {
  /** The worker's program and arguments, or a function called for each new process. Either this or `module`. */
  command?: Command | undefined
  /**
   * A module that calls `serve`: a file URL or a path, run by this Node. Where `X.js` is missing and `X.ts` is there,
   * `X.ts` is run instead: the way this process runs TypeScript, else by Node itself.
   */
  module?: URL | string | undefined
  /**
   * How the pool and its processes reach each other. Default `'pipes'`: their stdin and stdout. With a socket,
   * `timeout` is how long a process may take to connect and answer; default `handshakeTimeout`.
   */
  relay?: 'pipes' | { socket: 'unix' | 'tcp'; timeout?: Duration | undefined } | undefined
  /** The protocol on the relay. Default `'goridge2'`. */
  protocol?: ProtocolName | undefined
  /** The most workers that take tasks, without those leaving or starting in a reset. Default: the number of processors. */
  numWorkers?: number | undefined
  /**
   * How many tasks a worker performs, including failed ones, before it is replaced. Workers that start together get
   * staggered limits, so that they aren't replaced together. Default 0: no limit.
   */
  maxExecutions?: number | undefined
  /** The age at which a worker is replaced, after its task; staggered like `maxExecutions`. Default: no limit. */
  ttl?: Duration | undefined
  /**
   * Whether the new worker starts before the old one leaves, at `maxExecutions` (above 1), `ttl` and `reset`. If so,
   * there may be more processes than `numWorkers` for a while. Default true.
   */
  overlap?: boolean | undefined
  /** How many processes start at a time. Default: twice the number of processors. */
  startConcurrency?: number | undefined
  /** How long a task waits for a free worker. Default 60 s. */
  allocateTimeout?: Duration | undefined
  /** How long a task without its own `timeout` may run. Default: no limit. */
  execTimeout?: Duration | undefined
  /**
   * How long a leaving worker has for its task, and then to stop, before SIGKILL; also the limit for all of `destroy`.
   * Default 60 s.
   */
  destroyTimeout?: Duration | undefined
  /** A worker with more resident memory than this many bytes is replaced after its task. Default: no limit. */
  maxMemory?: number | undefined
  /** How long a worker may be idle before it is stopped, until it is needed again. Default: no limit. */
  idleTimeout?: Duration | undefined
  /** How many workers `idleTimeout` leaves. Default 0. */
  minWorkers?: number | undefined
  /**
   * How many tasks may wait for another to end; further tasks are rejected at once. Tasks for which a worker is starting, or
   * can be started, don't count. Default: no limit.
   */
  maxQueue?: number | undefined
  /**
   * How many tasks a worker is sent at once, so that it has the next one when it has answered; it still performs one at a
   * time. Useful for tasks much shorter than a millisecond. When the worker ends, or is killed because one of the tasks was
   * aborted or timed out, all of them fail. Default 1.
   */
  pipelining?: number | undefined
  /**
   * Whether this process stays awake for up to 70 µs after it has sent a task, while fewer workers are busy than there are
   * processors; where answers take longer, it mostly doesn't. Tasks of microseconds that are sent one after another take less
   * time, and some 7 µs more of CPU each. Default false.
   */
  spin?: boolean | undefined
  /** How long a new process may take until it answers with its pid. Default 10 s. */
  handshakeTimeout?: Duration | undefined
  /** The most bytes in a frame, both ways, and in all parts of an answer together. Default 64 MiB. */
  maxFrame?: number | undefined
  /**
   * How often an idle worker that runs `serve` is pinged; one that doesn't answer before the next ping is replaced. Other
   * workers aren't pinged. Default 10 s; false: never.
   */
  pingInterval?: Duration | false | undefined
  /** The permissions of a unix socket, such as 0o666 for workers of other users. Default: this user alone. */
  socketMode?: number | undefined
}

/** The options, checked, with all defaults. */
export interface PoolSettings {
  readonly command: Command
  readonly socket: 'unix' | 'tcp' | undefined
  readonly protocol: Protocol
  readonly numWorkers: number
  readonly maxExecutions: number
  readonly allocateMs: number
  readonly destroyMs: number
  readonly maxMemory: number
  readonly idleMs: number
  readonly minWorkers: number
  readonly maxQueue: number
  readonly pipelining: number
  readonly spin: boolean
  readonly handshakeMs: number
  readonly maxFrame: number
  readonly ttlMs: number
  readonly overlap: boolean
  readonly startConcurrency: number
  readonly execMs: number | undefined
  readonly pingMs: number
  readonly socketMode: number | undefined
  /** Proves that a worker of this package was started by this pool. */
  readonly token: string
  /** Whether a worker without the token is refused. */
  readonly tokenNeeded: boolean
}

/** @throws InvalidArgumentError, InvalidDurationError */
export function resolveOptions(options: ProcessPoolOptions): PoolSettings {
  const { relay = 'pipes', protocol = 'goridge2', ...rest } = checkOptions(WHAT, options, KNOWN)
  const command = commandOf(rest)
  if (!Object.hasOwn(protocols, protocol)) fail('protocol', Object.keys(protocols).join(', '), protocol)
  const handshakeMs = duration('handshakeTimeout', rest.handshakeTimeout, '10s')
  const numWorkers = count('numWorkers', rest.numWorkers, availableParallelism(), 1)
  const minWorkers = count('minWorkers', rest.minWorkers, 0)
  if (minWorkers > numWorkers) fail('minWorkers', `at most numWorkers, ${numWorkers}`, minWorkers)
  return Object.freeze({
    command,
    ...relaySettings(relay, handshakeMs),
    protocol: protocols[protocol],
    numWorkers,
    maxExecutions: count('maxExecutions', rest.maxExecutions, 0),
    allocateMs: duration('allocateTimeout', rest.allocateTimeout, '60s'),
    destroyMs: duration('destroyTimeout', rest.destroyTimeout, '60s'),
    maxMemory: count('maxMemory', rest.maxMemory, Infinity, 1),
    idleMs: rest.idleTimeout === undefined ? Infinity : duration('idleTimeout', rest.idleTimeout, 0),
    minWorkers,
    maxQueue: count('maxQueue', rest.maxQueue, Infinity),
    pipelining: count('pipelining', rest.pipelining, 1, 1),
    spin: flag('spin', rest.spin, false),
    maxFrame: count('maxFrame', rest.maxFrame, 64 * 1024 * 1024, 1),
    ttlMs: rest.ttl === undefined ? Infinity : duration('ttl', rest.ttl, 0),
    overlap: flag('overlap', rest.overlap, true),
    startConcurrency: count('startConcurrency', rest.startConcurrency, 2 * availableParallelism(), 1),
    execMs: rest.execTimeout === undefined ? undefined : duration('execTimeout', rest.execTimeout, 0),
    pingMs: rest.pingInterval === false ? Infinity : duration('pingInterval', rest.pingInterval, '10s'),
    socketMode: rest.socketMode === undefined ? undefined : mode(rest.socketMode),
    token: randomBytes(16).toString('hex'),
    tokenNeeded: rest.module !== undefined,
  })
}

const WHAT = 'ProcessPool'

const KNOWN = [
  'command',
  'module',
  'relay',
  'protocol',
  'numWorkers',
  'maxExecutions',
  'ttl',
  'overlap',
  'startConcurrency',
  'execTimeout',
  'pingInterval',
  'socketMode',
  'allocateTimeout',
  'destroyTimeout',
  'maxMemory',
  'idleTimeout',
  'minWorkers',
  'maxQueue',
  'pipelining',
  'spin',
  'handshakeTimeout',
  'maxFrame',
] as const

function relaySettings(
  relay: NonNullable<ProcessPoolOptions['relay']>,
  handshakeMs: number,
): Pick<PoolSettings, 'socket' | 'handshakeMs'> {
  if (relay === 'pipes') return { socket: undefined, handshakeMs }
  const expected = "'pipes', { socket: 'unix' } or { socket: 'tcp' }"
  if (typeof relay !== 'object' || relay === null) fail('relay', expected, relay)
  const { socket, timeout } = checkOptions(`${WHAT}: relay`, relay, ['socket', 'timeout'])
  if (socket !== 'unix' && socket !== 'tcp') fail('relay', expected, socket)
  return { socket, handshakeMs: timeout === undefined ? handshakeMs : duration('relay timeout', timeout, 0) }
}

function duration(name: string, given: Duration | undefined, byDefault: Duration): number {
  return toMs(given ?? byDefault, `${WHAT}: ${name}`)
}

function count(name: string, given: number | undefined, byDefault: number, least = 0): number {
  const value = given ?? byDefault
  if (value === Infinity && byDefault === Infinity) return value
  return wholeNumber(value, `${WHAT}: ${name}`, { min: least })
}

function flag(name: string, given: boolean | undefined, byDefault: boolean): boolean {
  const value = given ?? byDefault
  if (typeof value !== 'boolean') fail(name, 'true or false', value)
  return value
}

function mode(value: number): number {
  if (!isWholeNumber(value, { max: 0o777 })) fail('socketMode', 'a mode such as 0o666', value)
  return value
}

function fail(name: string, expected: string, value: unknown): never {
  throw new InvalidArgumentError(`${WHAT}: ${name}: expected ${expected}; got ${describe(value)}`)
}
