import { describe } from '../core/describe.ts'
import { InvalidArgumentError, unexpected } from '../core/errors.ts'
import { has } from '../core/has.ts'
import { checkOptions } from '../core/options.ts'
import { wholeNumber } from '../core/whole-number.ts'
import { authorityOf, isLoopbackListener } from './access/authority.ts'
import type { GuardRules } from './access/guard.ts'
import type { OpsOptions } from './ops-options.ts'
import { type Tokens, resolveTokens } from './access/tokens.ts'

/** The options of the server, checked, with their defaults. */
export interface OpsSettings extends Pick<OpsOptions, 'authorize' | 'metrics'> {
  readonly host: string
  readonly port: number
  /** Begins and ends with '/'. */
  readonly basePath: string
  readonly tokens: Tokens
  readonly rules: GuardRules
  readonly page: boolean
  readonly api: boolean
}

const WHAT = 'OpsServer'

/** @param environment of the process @throws InvalidArgumentError */
export function resolveSettings(options: OpsOptions, environment: NodeJS.ProcessEnv): OpsSettings {
  const {
    host = '127.0.0.1',
    port = 8090,
    basePath = '/',
    token,
    readToken,
    authorize,
    metrics,
    allowedHosts = [],
    api = true,
    page = api,
  } = checkKeys(options)
  if (typeof host !== 'string') throw unexpected(`${WHAT}: host`, 'a name or address of this machine', host)
  wholeNumber(port, `${WHAT}: port`, { max: 65_535 })
  for (const [name, value] of Object.entries({ page, api })) {
    if (typeof value !== 'boolean') throw unexpected(`${WHAT}: ${name}`, 'true or false', value)
  }
  if (page && !api) {
    throw unexpected(`${WHAT}: page`, 'false, or nothing, with api: false, which the page shows', page)
  }
  const tokens = resolveTokens({ token, readToken }, environment.RUNUTIL_OPS_TOKEN)
  const isGuarded = authorize !== undefined || tokens.control.length > 0 || tokens.read !== undefined
  if (!isGuarded && (page || api) && !isLoopbackListener(host)) throw unguarded(host)
  const rules = {
    allowedHosts: hostsOf(allowedHosts),
    mayChange: authorize !== undefined || tokens.control.length > 0,
    hasReadToken: tokens.read !== undefined,
  }
  return { host, port, basePath: pathOf(basePath), tokens, rules, authorize, metrics, page, api }
}

const FUNCTIONS = ['authorize', 'redact', 'metrics'] as const

/** A method that tells what an object is, and what is expected. */
const OBJECTS = {
  queue: ['stats', 'a JobQueue'],
  coordinate: ['namespaces', 'what createCoordinate() returns'],
  leases: ['acquire', 'a LeaseStore'],
  replicas: ['beat', 'a ReplicaStore'],
  runtime: ['tree', 'a Runtime'],
} as const

function checkKeys(options: OpsOptions): OpsOptions {
  const checked = checkOptions(WHAT, options, [
    'host',
    'port',
    'basePath',
    'queue',
    'coordinate',
    'dispatch',
    'leases',
    'replicas',
    'runtime',
    'token',
    'readToken',
    'authorize',
    'allowedHosts',
    'redact',
    'checks',
    'page',
    'api',
    'metrics',
  ])
  for (const name of FUNCTIONS) {
    const value: unknown = checked[name]
    if (value !== undefined && typeof value !== 'function')
      throw unexpected(`${WHAT}: ${name}`, 'a function', value)
  }
  for (const [name, [method, expected]] of Object.entries(OBJECTS)) {
    const value: unknown = checked[name as keyof typeof OBJECTS]
    if (value !== undefined && !has(value, method)) throw unexpected(`${WHAT}: ${name}`, expected, value)
  }
  return checked
}

function unguarded(host: string): InvalidArgumentError {
  return new InvalidArgumentError(
    `${WHAT}: host: expected token, readToken or authorize for ${describe(host)}, which others may reach; got none; ` +
      "set one of them or RUNUTIL_OPS_TOKEN, or host: '127.0.0.1'",
  )
}

function hostsOf(names: readonly string[]): string[] {
  if (!Array.isArray(names)) throw unexpected(`${WHAT}: allowedHosts`, 'an array of names', names)
  return names.map((name: unknown) => {
    const host = typeof name === 'string' ? authorityOf(name)?.host : undefined
    const isName = host !== undefined && host === (name as string).toLowerCase() && !host.includes('*')
    if (isName) return host
    throw unexpected(
      `${WHAT}: allowedHosts`,
      "names such as 'ops.example.com', without scheme and port",
      name,
    )
  })
}

function pathOf(basePath: unknown): string {
  if (
    typeof basePath === 'string' &&
    /^\/([\w.~-]+\/?)*$/.test(basePath) &&
    !/\/\.\.?(\/|$)/.test(basePath)
  ) {
    return basePath.endsWith('/') ? basePath : `${basePath}/`
  }
  throw unexpected(`${WHAT}: basePath`, "a path such as '/ops'", basePath)
}
