import { describe, expect, it } from 'vitest'
import { StoreUnavailableError } from '../../packages/runutil/src/core/store-unavailable-error.ts'
import { connectError, statementError } from '../../packages/runutil/src/postgres/database/pg-errors.ts'

const withCode = (code: string, message = code): Error => Object.assign(new Error(message), { code })

const trouble = [
  '08000',
  '08003',
  '08006',
  '08P01',
  '57P01',
  '57P02',
  '57P03',
  '57P05',
  '25P03',
  '53300',
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
  'EHOSTUNREACH',
].map((code) => withCode(code))
const wordless = [
  'Connection terminated',
  'Connection terminated unexpectedly',
  'Connection terminated due to connection timeout',
  'timeout expired',
  'Query read timeout',
  'timeout exceeded when trying to connect',
].map((message) => new Error(message))
const notSent = [
  'Client has encountered a connection error and is not queryable',
  'Client was closed and is not queryable',
].map((message) => new Error(message))

describe('what an error of the driver means', () => {
  it.each([...trouble, ...wordless])('%s is a connection to be tried again', (error) => {
    for (const unavailable of [connectError(error, 'here'), statementError(error, 'here', false)]) {
      expect(unavailable).toBeInstanceOf(StoreUnavailableError)
      expect(unavailable).toMatchObject({ outcomeUnknown: false, cause: error })
    }
    expect(statementError(error, 'here', true)).toMatchObject({ outcomeUnknown: true, cause: error })
  })

  it.each(notSent)('%s: nothing was sent, so nothing happened', (error) => {
    expect(statementError(error, 'here', true)).toMatchObject({ outcomeUnknown: false })
  })

  it.each(['23505', '42P01', '40001', '40P01', '57014', '0A000', '25P02', '53100'])(
    '%s is an error of the statement, as it is',
    (code) => {
      const error = withCode(code)
      expect(statementError(error, 'here', true)).toBe(error)
    },
  )

  it('says what came where an error has a code but no message, as with several addresses', () => {
    const error = connectError(withCode('ECONNREFUSED', ''), 'PostgreSQL at host:1')
    expect(error.message).toMatch('cannot reach PostgreSQL at host:1: ECONNREFUSED;')
  })

  it('takes a Unix socket that is not there for a server that is not running', () => {
    const error = Object.assign(withCode('ENOENT', 'connect ENOENT /tmp/.s.PGSQL.5432'), {
      syscall: 'connect',
    })
    expect(connectError(error, 'here')).toBeInstanceOf(StoreUnavailableError)
    expect(connectError(withCode('ENOENT'), 'here')).not.toBeInstanceOf(StoreUnavailableError)
  })
})
