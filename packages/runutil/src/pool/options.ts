import { availableParallelism } from 'node:os'
import { type Duration, toMs } from '../core/duration.ts'
import { InvalidArgumentError, describe } from '../core/errors.ts'
import { checkOptions } from '../core/options.ts'
import type { Protocol, ProtocolName } from './relay/protocol.ts'
import { protocols } from './relay/protocols.ts'
import { type Command, checkCommand } from './worker/spawn.ts'

export interface ProcessPoolOptions {
  /** The worker's program and arguments, or a function that is asked for each new process. */
  command: Command
  /**
   * How the pool and its processes reach each other. Default `'pipes'`: their stdin and stdout. With a socket,
   * `timeout` is how long a process may take to connect and answer; default `handshakeTimeout`.
   */
  relay?: 'pipes' | { socket: 'unix' | 'tcp'; timeout?: Duration | undefined } | undefined
  /** What is spoken on the relay. Default `'goridge2'`. */
  protocol?: ProtocolName | undefined
  /** How many workers take tasks at most; those that leave, or come in a reset, are beside them. Default: as many as the machine has processors. */
  numWorkers?: number | undefined
  /** A worker is replaced when it has done this many tasks, failed ones too. Default 0: no limit. */
  maxExecutions?: number | undefined
  /** How long a task waits for a free worker. Default 60 s. */
  allocateTimeout?: Duration | undefined
  /** How long a worker that was told to stop may take before SIGKILL; also all that `destroy` takes. Default 60 s. */
  destroyTimeout?: Duration | undefined
  /** A worker with more resident memory than this many bytes is replaced after its task. Default: no limit. */
  maxMemory?: number | undefined
  /** A worker that had nothing to do for this long is stopped, until it is needed again. Default: never. */
  idleTimeout?: Duration | undefined
  /** How many workers `idleTimeout` leaves. Default 0. */
  minWorkers?: number | undefined
  /** How many tasks may wait for a worker; one more is rejected at once. Default: no limit. */
  maxQueue?: number | undefined
  /**
   * How many tasks a worker is sent at once, so that it has its next one when it has answered; it does one at a time
   * still. Worth it for tasks of much less than a millisecond. A worker that ends, or is killed since one of them was
   * aborted or late, takes all of them with it. Default 1.
   */
  pipelining?: number | undefined
  /** How long a new process may take until it answers with its pid. Default 10 s. */
  handshakeTimeout?: Duration | undefined
  /** The most bytes in a frame, both ways. Default 64 MiB. */
  maxFrame?: number | undefined
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
  readonly handshakeMs: number
  readonly maxFrame: number
}

/** @throws InvalidArgumentError, InvalidDurationError */
export function resolveOptions(options: ProcessPoolOptions): PoolSettings {
  const { command, relay = 'pipes', protocol = 'goridge2', ...rest } = checkOptions(WHAT, options, KNOWN)
  checkCommand(command)
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
    maxFrame: count('maxFrame', rest.maxFrame, 64 * 1024 * 1024, 1),
  })
}

const WHAT = 'ProcessPool'

const KNOWN = [
  'command',
  'relay',
  'protocol',
  'numWorkers',
  'maxExecutions',
  'allocateTimeout',
  'destroyTimeout',
  'maxMemory',
  'idleTimeout',
  'minWorkers',
  'maxQueue',
  'pipelining',
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
  if (!Number.isSafeInteger(value) || value < least) fail(name, `a whole number of at least ${least}`, value)
  return value
}

function fail(name: string, expected: string, value: unknown): never {
  throw new InvalidArgumentError(`${WHAT}: ${name}: expected ${expected}; got ${describe(value)}`)
}
