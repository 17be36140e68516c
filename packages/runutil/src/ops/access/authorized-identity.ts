import type { IncomingMessage } from 'node:http'
import { describe } from '../../core/describe.ts'
import { addressOf } from './authority.ts'
import type { Role } from './caller.ts'
import type { Identity } from './identity.ts'
import type { OpsOptions } from '../ops-options.ts'

/** Who calls, as the option `authorize` says. @throws what it throws, and an Error for what is no role */
export async function authorizedIdentity(
  authorize: NonNullable<OpsOptions['authorize']>,
  request: IncomingMessage,
): Promise<Identity> {
  const given: unknown = await authorize(request)
  const { role, name } = (typeof given === 'object' && given !== null ? given : { role: given }) as {
    role?: unknown
    name?: unknown
  }
  if (!isRole(role) || (name !== undefined && typeof name !== 'string')) {
    const expected = "expected 'none', 'read', 'control' or { role, name }"
    // No InvalidArgumentError: that would be the caller's mistake.
    throw new Error(`authorize: ${expected}; got ${describe(given)}`)
  }
  const address = addressOf(request) ?? 'an unknown address'
  return { role, name: name || `${address}, by authorize`, isKnown: true, isWrong: false, why: '' }
}

function isRole(value: unknown): value is Role {
  return value === 'none' || value === 'read' || value === 'control'
}
