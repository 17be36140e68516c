import type { Clock } from '../../core/clock.ts'
import { describe } from '../../core/describe.ts'
import { sleep } from '../../core/wait.ts'
import type { Answer } from '../http/answer.ts'
import { addressOf, hostOf } from './authority.ts'
import { OpsError } from '../ops-error.ts'
import type { SessionCalls } from '../http/ops-services.ts'
import type { Call } from '../http/call.ts'
import { endedSessions, newSession, sessionRole } from './session.ts'
import type { OpsSettings } from '../settings.ts'
import { roleOf } from './tokens.ts'
import type { WrongTokens } from './wrong-tokens.ts'

/** Signs callers in and out, and tells them who they are. */
export class Sessions implements SessionCalls {
  readonly #settings: OpsSettings
  readonly #wrongTokens: WrongTokens
  readonly #clock: Clock

  constructor(settings: OpsSettings, wrongTokens: WrongTokens, clock: Clock) {
    this.#settings = settings
    this.#wrongTokens = wrongTokens
    this.#clock = clock
  }

  caller({ caller, request }: Call): Answer {
    const { authorize, rules, tokens } = this.#settings
    const { role, name } = caller
    const { authorization, cookie } = request.headers
    const hasToken = authorize === undefined && (rules.mayChange || rules.hasReadToken)
    const hasSession = sessionRole(cookie, tokens, this.#clock.now()) !== 'none'
    const isSession = authorize === undefined && authorization === undefined && hasSession
    return { status: 200, body: { role, name, session: isSession, tokens: hasToken } }
  }

  /** @throws OpsError 400, 401 for a wrong token, 404 if `authorize` decides */
  async start({ body, request }: Call): Promise<Answer> {
    const { authorize, tokens } = this.#settings
    if (authorize !== undefined)
      throw new OpsError(404, 'not-found', 'no sessions: this server asks authorize')
    const { token } = body
    if (typeof token !== 'string') {
      throw new OpsError(400, 'bad-request', `body: expected { token: string }; got ${describe(body)}`)
    }
    if (roleOf(token, tokens) === 'none') {
      await sleep(this.#clock, this.#wrongTokens.delayMs(addressOf(request)))
      throw new OpsError(401, 'token', wrongToken(tokens.control.length > 0 || tokens.read !== undefined))
    }
    const { role, until, cookie } = newSession(token, tokens, hostOf(request.headers), this.#clock.now())
    return { status: 200, body: { role, until }, headers: { 'set-cookie': cookie } }
  }

  end({ request }: Call): Answer {
    const { headers } = request
    const { tokens } = this.#settings
    const cookies = endedSessions(headers.cookie, tokens, hostOf(headers), this.#clock.now())
    return { status: 200, body: {}, headers: cookies.length > 0 ? { 'set-cookie': cookies } : {} }
  }
}

function wrongToken(isAny: boolean): string {
  if (isAny) return 'expected a token of this server; got another'
  return 'no token is set: set the option token, or RUNUTIL_OPS_TOKEN'
}
