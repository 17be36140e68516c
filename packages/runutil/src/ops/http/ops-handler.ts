import type { IncomingMessage, ServerResponse } from 'node:http'
import { offAbort, onAbort } from '../../core/abort.ts'
import type { Clock } from '../../core/clock.ts'
import { currentLogger } from '../../core/context.ts'
import { shortened } from '../../core/describe.ts'
import { sleep } from '../../core/wait.ts'
import { type Answer, errorAnswer, send } from './answer.ts'
import { addressOf } from '../access/authority.ts'
import { authorizedIdentity } from '../access/authorized-identity.ts'
import type { Caller } from '../access/caller.ts'
import { toOpsError } from './error-answer.ts'
import { admitted, refusal } from '../access/guard.ts'
import { identify } from '../access/identity.ts'
import { OpsError } from '../ops-error.ts'
import type { SeenProxy } from '../access/seen-proxy.ts'
import type { OpsServices } from './ops-services.ts'
import { jsonBody } from './request-body.ts'
import { PAGE_ROUTES } from './page-routes.ts'
import type { Route } from './route.ts'
import { ROUTES, type RouteMatch, matchRoute, queryOf } from './routes.ts'
import type { OpsSettings } from '../settings.ts'
import type { WrongTokens } from '../access/wrong-tokens.ts'

export interface OpsHandlerProps {
  readonly settings: OpsSettings
  readonly services: OpsServices
  readonly wrongTokens: WrongTokens
  readonly proxy: SeenProxy
  /** That of the run. */
  readonly clock: Clock
  /** Aborts when the server stops. */
  readonly stopping?: AbortSignal | undefined
}

/** Answers requests: finds the route, lets in who may use it, and sends what it answers. */
export class OpsHandler {
  readonly #props: OpsHandlerProps
  readonly #routes: readonly Route[]

  constructor(props: OpsHandlerProps) {
    this.#props = props
    const { settings } = props
    this.#routes = [...ROUTES, ...PAGE_ROUTES].filter(({ part }) => part === 'probes' || settings[part])
  }

  /** Never rejects. @param next for paths that aren't the server's; without it they are answered with 404 */
  async handle(request: IncomingMessage, response: ServerResponse, next?: () => void): Promise<void> {
    try {
      const [path = '', ...search] = (request.url ?? '').split('?')
      const relative = this.#relative(path)
      if (relative === undefined && next !== undefined) return next()
      const answer = await this.#answer(request, response, relative, search.join('?'))
      if (answer !== undefined) await send(response, answer)
    } catch (error) {
      const answer = errorAnswer(toOpsError(error, currentLogger()))
      if (response.headersSent) response.destroy()
      else await send(response, answer)
    }
  }

  /** The part of a path after the base path; that of probes is at '/' too. Undefined if it is neither. */
  #relative(path: string): string | undefined {
    const { basePath } = this.#props.settings
    if (path.startsWith(basePath)) return path.slice(basePath.length)
    if (`${path}/` === basePath) return ''
    const isProbe = this.#routes.some((route) => route.part === 'probes' && path === `/${route.path}`)
    return isProbe ? path.slice(1) : undefined
  }

  async #answer(
    request: IncomingMessage,
    response: ServerResponse,
    path: string | undefined,
    search: string,
  ): Promise<Answer | undefined> {
    const { services, settings, proxy } = this.#props
    proxy.see(request.headers)
    const match = this.#match(request, path)
    const { route, parameters } = match
    const wrong = refusal(route.access, request.headers, settings.rules)
    if (wrong !== undefined) throw wrong
    const caller = await this.#caller(request, route)
    // That of the page is for the page, and probes are asked as `/livez?verbose`, too.
    const query = route.part === 'api' ? queryOf(route, new URLSearchParams(search)) : {}
    const body = route.method === 'GET' ? {} : await jsonBody(request)
    const answer = route.handle({ parameters, query, body, caller, request, response }, services)
    return route.access === 'control' ? this.#unlessStopping(answer) : answer
  }

  /** Who restarts this very worker, or waits for a run that takes long, gets an answer before connections are cut off. */
  async #unlessStopping(
    answer: Promise<Answer | undefined> | Answer | undefined,
  ): Promise<Answer | undefined> {
    const { stopping } = this.#props
    let stopped = (): void => {}
    const goesOn = new Promise<Answer>((resolve) => {
      stopped = () => resolve({ status: 202, body: {} })
    })
    onAbort(stopping, stopped)
    try {
      return await Promise.race([answer, goesOn])
    } finally {
      offAbort(stopping, stopped)
    }
  }

  /** Names of paths and methods are for those only who call the server by its own name. */
  #match({ method = '', headers }: IncomingMessage, path: string | undefined): RouteMatch {
    const { rules } = this.#props.settings
    try {
      const match = path === undefined ? undefined : matchRoute(this.#routes, method, path)
      if (match !== undefined) return match
    } catch (error) {
      throw refusal('page', headers, rules) ?? error
    }
    const shown = path === undefined ? 'there' : `at '${shortened(path)}'`
    const hint = 'the API is listed in api/v1/openapi.json'
    throw refusal('page', headers, rules) ?? new OpsError(404, 'not-found', `nothing is ${shown}; ${hint}`)
  }

  async #caller(request: IncomingMessage, { access }: Route): Promise<Caller> {
    const { settings, clock, wrongTokens } = this.#props
    const { tokens, rules, authorize } = settings
    const sender = { headers: request.headers, address: addressOf(request) }
    if (access === 'metrics' && !rules.hasReadToken) return nobody(sender.address)
    if (access === 'open' || access === 'page' || access === 'session') return nobody(sender.address)
    const identity =
      authorize === undefined
        ? identify(sender, tokens, clock.now())
        : await authorizedIdentity(authorize, request)
    try {
      const caller = admitted(access, identity, rules)
      if (caller.role !== 'none') return caller
    } catch (error) {
      if (identity.isWrong) await sleep(clock, wrongTokens.delayMs(sender.address))
      throw error
    }
    // Anybody may ask who they are, and guess by that.
    if (identity.isWrong) await sleep(clock, wrongTokens.delayMs(sender.address))
    return identity
  }
}

/** Whom a route that is open to all gets. */
function nobody(address: string | undefined): Caller {
  return { role: 'none', name: address ?? 'an unknown address' }
}
