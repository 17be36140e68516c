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

/** @param environment of the process @param what the call that takes them @throws InvalidArgumentError */
export function resolveSettings(
  options: OpsOptions,
  environment: NodeJS.ProcessEnv,
  what = 'OpsServer',
): OpsSettings {
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
  } = checkKeys(what, options)
  if (typeof host !== 'string') throw unexpected(`${what}: host`, 'a name or address of this machine', host)
  wholeNumber(port, `${what}: port`, { max: 65_535 })
  for (const [name, value] of Object.entries({ page, api })) {
    if (typeof value !== 'boolean') throw unexpected(`${what}: ${name}`, 'true or false', value)
  }
  if (page && !api) {
    throw unexpected(`${what}: page`, 'false, or nothing, with api: false, which the page shows', page)
  }
  const tokens = resolveTokens({ token, readToken }, environment.RUNUTIL_OPS_TOKEN)
  const isGuarded = authorize !== undefined || tokens.control.length > 0 || tokens.read !== undefined
  if (!isGuarded && (page || api) && !isLoopbackListener(host)) throw unguarded(what, host)
  const rules = {
    allowedHosts: hostsOf(what, allowedHosts),
    mayChange: authorize !== undefined || tokens.control.length > 0,
    hasReadToken: tokens.read !== undefined,
  }
  return { host, port, basePath: pathOf(what, basePath), tokens, rules, authorize, metrics, page, api }
}

/** Whether this machine may read without a token. */
export function isOpen({ rules, authorize }: OpsSettings): boolean {
  return !rules.hasReadToken && authorize === undefined
}

const FUNCTIONS = ['authorize', 'redact', 'metrics'] as const

/** A method that tells what an object is, and what is expected. */
const OBJECTS = {
  database: ['ping', 'what tells of a database, such as new PostgresDiagnosis(database)'],
  // A JobStore has no such method.
  queue: ['enqueue', 'a JobQueue'],
  coordinate: ['namespaces', 'what createCoordinate() returns'],
  leases: ['acquire', 'a LeaseStore'],
  replicas: ['beat', 'a ReplicaStore'],
  runtime: ['tree', 'a Runtime'],
} as const

function checkKeys(what: string, options: OpsOptions): OpsOptions {
  const checked = checkOptions(what, options, [
    'host',
    'port',
    'basePath',
    'database',
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
      throw unexpected(`${what}: ${name}`, 'a function', value)
  }
  for (const [name, [method, expected]] of Object.entries(OBJECTS)) {
    const value: unknown = checked[name as keyof typeof OBJECTS]
    if (value !== undefined && !has(value, method)) throw unexpected(`${what}: ${name}`, expected, value)
  }
  checkManagers(what, checked.dispatch)
  return checked
}

function checkManagers(what: string, dispatch: unknown): void {
  if (dispatch === undefined) return
  for (const manager of Array.isArray(dispatch) ? (dispatch as unknown[]) : [dispatch]) {
    const { actions } = (manager ?? {}) as { actions?: unknown }
    if (!has(actions, 'list'))
      throw unexpected(`${what}: dispatch`, 'a Manager, or an array of them', manager)
  }
}

function unguarded(what: string, host: string): InvalidArgumentError {
  return new InvalidArgumentError(
    `${what}: host: expected token, readToken or authorize for ${describe(host)}, which others may reach; got none; ` +
      "set one of them or RUNUTIL_OPS_TOKEN, or host: '127.0.0.1'",
  )
}

function hostsOf(what: string, names: readonly string[]): string[] {
  if (!Array.isArray(names)) throw unexpected(`${what}: allowedHosts`, 'an array of names', names)
  return names.map((name: unknown) => {
    const host = typeof name === 'string' ? authorityOf(name)?.host : undefined
    const isName = host !== undefined && host === (name as string).toLowerCase() && !host.includes('*')
    if (isName) return host
    throw unexpected(
      `${what}: allowedHosts`,
      "names such as 'ops.example.com', without scheme and port",
      name,
    )
  })
}

function pathOf(what: string, basePath: unknown): string {
  if (
    typeof basePath === 'string' &&
    /^\/([\w.~-]+\/?)*$/.test(basePath) &&
    !/\/\.\.?(\/|$)/.test(basePath)
  ) {
    return basePath.endsWith('/') ? basePath : `${basePath}/`
  }
  throw unexpected(`${what}: basePath`, "a path such as '/ops'", basePath)
}
