import { VirtualClock } from 'runutil/testing'
import { describe, expect, test } from 'vitest'
import { newSession, sessionRole } from '../../packages/runutil/src/ops/access/session.ts'
import { WrongTokens } from '../../packages/runutil/src/ops/access/wrong-tokens.ts'
import { follow } from '../support/outcome.ts'
import { FakeServer } from '../support/ops/fake-server.ts'
import { CHANGE, type RawAnswer, ask } from '../support/ops/raw-client.ts'

const tokens = { control: ['write'], read: 'look' }
const options = { token: 'write', readToken: 'look' }
const NOW = Date.UTC(2030, 0)
const HOUR = 3_600_000

/** What a browser sends back. */
function cookieOf(answer: RawAnswer): string {
  return answer.headers['set-cookie']!.map((line) => line.split(';')[0]!).join('; ')
}

describe('a session', () => {
  test.each([
    ['localhost:8090', false],
    ['127.0.0.1', false],
    ['127.8.8.8:1', false],
    ['[::1]:8090', false],
    ['10.0.0.1:8090', true],
    ['ops.example', true],
    ['127.evil.example', true],
    ['[fe80::1]', true],
    [undefined, true],
  ])(
    'is a cookie that no script reads and no other site sends; over HTTPS only: %s, %s',
    (host, isSecure) => {
      const { cookie } = newSession('write', tokens, host, NOW)
      const [pair, ...flags] = cookie.split('; ')
      expect(pair).toMatch(/^runutil-[0-9a-f]{8}=\d+\.[\w-]{43}$/)
      const secure = isSecure ? ['Secure'] : []
      expect(flags).toEqual(['Path=/', 'Max-Age=43200', 'HttpOnly', 'SameSite=Strict', ...secure])
    },
  )

  test('lasts for 12 hours by the clock of the run', () => {
    const { cookie, until } = newSession('write', tokens, 'localhost', NOW)
    const header = cookie.split(';')[0]
    expect(until).toEqual(new Date(NOW + 12 * HOUR))
    expect(sessionRole(header, tokens, NOW + 12 * HOUR - 1)).toBe('control')
    expect(sessionRole(header, tokens, NOW + 12 * HOUR)).toBe('none')
  })

  test('allows what its token allows, in each replica that has it, and no longer than it has', () => {
    const write = newSession('write', tokens, 'localhost', NOW).cookie.split(';')[0]
    const look = newSession('look', tokens, 'localhost', NOW).cookie.split(';')[0]
    expect(sessionRole(write, tokens, NOW)).toBe('control')
    expect(sessionRole(look, tokens, NOW)).toBe('read')
    expect(sessionRole(`a=b; ${look}; ${write}`, tokens, NOW)).toBe('control')
    expect(sessionRole(write, { control: ['new', 'write'], read: undefined }, NOW)).toBe('control')
    expect(sessionRole(write, { control: ['new'], read: undefined }, NOW)).toBe('none')
    expect(sessionRole(write, { control: [], read: 'write' }, NOW)).toBe('read')
  })

  test('cannot be made up, nor made longer', () => {
    const { cookie } = newSession('write', tokens, 'localhost', NOW)
    const [name, value] = cookie.split(';')[0]!.split('=') as [string, string]
    const [until, signature] = value.split('.') as [string, string]
    const forged = [
      '',
      value.slice(0, -1),
      `${value}A`,
      `${Number(until) + 1}.${signature}`,
      `0${value}`.replace('0', '1'),
      `${until}.${'A'.repeat(43)}`,
      `${until}.${signature.toLowerCase()}`,
      `${until}.`,
      signature,
      '__proto__',
      `${until}.${signature}.x`,
    ]
    for (const one of forged) expect([one, sessionRole(`${name}=${one}`, tokens, NOW)]).toEqual([one, 'none'])
    // Of another token under this name.
    const other = newSession('guess', { control: ['guess'], read: undefined }, 'localhost', NOW).cookie
    expect(sessionRole(`${name}=${other.split(';')[0]!.split('=')[1]}`, tokens, NOW)).toBe('none')
  })

  test('is begun by a token, allows changes, and is ended', async () => {
    const clock = new VirtualClock({ auto: true, now: NOW })
    await using server = await FakeServer.start({ options, clock })
    const signedIn = await server.post('/api/v1/session', { token: 'write' })
    expect([signedIn.status, signedIn.json]).toEqual([
      200,
      { role: 'control', until: '2030-01-01T12:00:00.000Z' },
    ])
    const cookie = cookieOf(signedIn)
    expect((await server.get('/api/v1/state', { cookie })).status).toBe(200)
    expect((await server.post('/api/v1/kinds/mail/pause', {}, { cookie })).status).toBe(200)
    // Another replica.
    await using other = await FakeServer.start({ options: { token: ['new', 'write'] }, clock })
    expect((await other.post('/api/v1/kinds/mail/pause', {}, { cookie })).status).toBe(200)

    const out = await ask(server.port, {
      method: 'DELETE',
      path: '/api/v1/session',
      headers: { ...CHANGE, cookie },
    })
    expect(out.status).toBe(200)
    const ended = out.headers['set-cookie']!
    expect(ended).toEqual([`${cookie.split('=')[0]}=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict`])
    expect((await server.get('/api/v1/state', { cookie: cookieOf(out) })).status).toBe(401)
  })

  test('of the token that reads changes nothing', async () => {
    await using server = await FakeServer.start({ options })
    const signedIn = await server.post('/api/v1/session', { token: 'look' })
    expect(signedIn.json!.role).toBe('read')
    const cookie = cookieOf(signedIn)
    expect((await server.get('/api/v1/state', { cookie })).status).toBe(200)
    expect((await server.post('/api/v1/kinds/mail/pause', {}, { cookie })).status).toBe(403)
  })

  test('of one program is neither ended nor replaced by another on the same machine', async () => {
    await using mine = await FakeServer.start({ options })
    await using another = await FakeServer.start({ options: { token: 'another' } })
    const cookie = cookieOf(await mine.post('/api/v1/session', { token: 'write' }))
    const both = `${cookie}; ${cookieOf(await another.post('/api/v1/session', { token: 'another' }, { cookie }))}`
    for (const server of [mine, another]) {
      expect((await server.post('/api/v1/kinds/mail/pause', {}, { cookie: both })).status).toBe(200)
    }
    const out = await ask(another.port, {
      method: 'DELETE',
      path: '/api/v1/session',
      headers: { ...CHANGE, cookie: both },
    })
    expect(out.headers['set-cookie']).toHaveLength(1)
    expect(cookieOf(out).split('=')[0]).not.toBe(cookie.split('=')[0])
  })

  test('that does not hold is not ended: nobody learns the names of cookies by asking', async () => {
    const clock = new VirtualClock({ auto: true, now: NOW })
    await using server = await FakeServer.start({ options, clock })
    const name = cookieOf(await server.post('/api/v1/session', { token: 'write' })).split('=')[0]
    for (const cookie of ['', `${name}=`, `${name}=${NOW + HOUR}.${'A'.repeat(43)}`]) {
      const headers = { ...CHANGE, cookie }
      const out = await ask(server.port, { method: 'DELETE', path: '/api/v1/session', headers })
      expect([out.status, out.headers['set-cookie']]).toEqual([200, undefined])
    }
  })

  test.each([
    [{}, 400, 'body: expected { token: string }; got an object {  }'],
    [{ token: 7 }, 400, 'body: expected { token: string }; got an object { token }'],
    [{ token: '' }, 401, 'expected a token of this server; got another'],
    [{ token: 'wrong' }, 401, 'expected a token of this server; got another'],
    [{ token: 'writ' }, 401, 'expected a token of this server; got another'],
  ])('is not begun by %o', async (body, status, message) => {
    await using server = await FakeServer.start({ options, clock: new VirtualClock({ auto: true }) })
    const answer = await server.post('/api/v1/session', body)
    expect([answer.status, answer.json!.message, answer.headers['set-cookie']]).toEqual([
      status,
      message,
      undefined,
    ])
  })

  test('is not begun where no token is set, or by another site', async () => {
    await using open = await FakeServer.start({ clock: new VirtualClock({ auto: true }) })
    const answer = await open.post('/api/v1/session', { token: '' })
    expect(answer.json).toEqual({
      code: 'token',
      message: 'no token is set: set the option token, or RUNUTIL_OPS_TOKEN',
    })
    await using server = await FakeServer.start({ options })
    const evil = { origin: 'https://evil.example' }
    expect((await server.post('/api/v1/session', { token: 'write' }, evil)).status).toBe(403)
    const out = await ask(server.port, {
      method: 'DELETE',
      path: '/api/v1/session',
      headers: { ...CHANGE, ...evil },
    })
    expect(out.status).toBe(403)
    expect((await server.post('/api/v1/session', { token: 'write' }, { host: 'evil.example' })).status).toBe(
      421,
    )
  })
})

describe('a wrong token', () => {
  test('waits 100 ms for each of the last minute from its address, at most 1 s', async () => {
    const clock = new VirtualClock()
    const wrong = new WrongTokens(clock)
    const delays = Array.from({ length: 12 }, () => wrong.delayMs('10.0.0.1'))
    expect(delays).toEqual([100, 200, 300, 400, 500, 600, 700, 800, 900, 1_000, 1_000, 1_000])
    expect(wrong.delayMs('10.0.0.2')).toBe(100)
    await clock.advance('59s')
    expect(wrong.delayMs('10.0.0.1')).toBe(1_000)
    await clock.advance('1s')
    expect(wrong.delayMs('10.0.0.1')).toBe(200)
  })

  test('of one IPv6 network counts together', () => {
    const wrong = new WrongTokens(new VirtualClock())
    expect(wrong.delayMs('2001:db8:1:2:3:4:5:6')).toBe(100)
    expect(wrong.delayMs('2001:db8:1:2::9')).toBe(200)
    expect(wrong.delayMs('2001:db8:1:3::9')).toBe(100)
    expect(wrong.delayMs('2001:db8::9')).toBe(100)
    expect(wrong.delayMs('2001:db8::1:9')).toBe(200)
    expect(wrong.delayMs('::ffff:10.0.0.1')).toBe(100)
    expect(wrong.delayMs('::ffff:10.0.0.2')).toBe(100)
    expect(wrong.delayMs(undefined)).toBe(100)
  })

  test('is remembered for 1,000 addresses, those that were wrong last', () => {
    const wrong = new WrongTokens(new VirtualClock())
    for (let at = 0; at < 1_000; at++) wrong.delayMs(`10.0.${at >> 8}.${at & 255}`)
    expect(wrong.delayMs('10.0.0.0')).toBe(200)
    wrong.delayMs('10.9.9.9')
    // The one that was wrong longest ago is forgotten.
    expect(wrong.delayMs('10.0.0.1')).toBe(100)
    expect(wrong.delayMs('10.0.0.0')).toBe(300)
  })

  test('is no cheaper to guess by cookies signed with it', async () => {
    const clock = new VirtualClock()
    await using server = await FakeServer.start({ options, clock })
    const guesses = Array.from({ length: 20 }, (_, nth) => {
      const guess = { control: [`guess${nth}`], read: undefined }
      return newSession(`guess${nth}`, guess, 'localhost', clock.now()).cookie.split(';')[0]!
    })
    const right = newSession('look', tokens, 'localhost', clock.now()).cookie.split(';')[0]!
    const answer = server.get('/api/v1/state', { cookie: guesses[0] })
    const waiting = follow(answer)
    await expect.poll(() => clock.pending).toBe(1)
    // The right one doesn't wait, as one of few; it isn't found as one of many.
    expect((await server.get('/api/v1/state', { cookie: `${guesses[0]}; ${right}` })).status).toBe(200)
    const many = server.get('/api/v1/state', { cookie: [right, ...guesses].join('; ') })
    await expect.poll(() => clock.pending).toBe(2)
    expect(waiting.settled).toBe('no')
    await clock.advance(200)
    expect([(await answer).status, (await many).status]).toEqual([401, 401])
  })

  test('of another program delays nobody who may read without one', async () => {
    await using server = await FakeServer.start({ options: { token: 'write' }, clock: new VirtualClock() })
    const { cookie } = newSession('another', { control: ['another'], read: undefined }, 'localhost', NOW)
    expect((await server.get('/api/v1/state', { cookie: cookie.split(';')[0]! })).status).toBe(200)
  })

  test('waits, as bearer and as session, while the right one is answered at once', async () => {
    const clock = new VirtualClock()
    await using server = await FakeServer.start({ options, clock })
    const bearer = server.get('/api/v1/state', { authorization: 'Bearer wrong' })
    const session = server.post('/api/v1/session', { token: 'wrong' })
    const waiting = [follow(bearer), follow(session)]
    expect((await server.get('/api/v1/state', { authorization: 'Bearer look' })).status).toBe(200)
    expect((await server.post('/api/v1/session', { token: 'write' })).status).toBe(200)
    expect(waiting.map(({ settled }) => settled)).toEqual(['no', 'no'])
    // One was the first to come, and waits 100 ms, the other 200.
    await expect.poll(() => clock.pending).toBe(2)
    await clock.advance(100)
    await expect.poll(() => waiting.filter(({ settled }) => settled === 'resolved').length).toBe(1)
    await clock.advance(100)
    expect([(await bearer).status, (await session).status]).toEqual([401, 401])
    expect(server.fakes.taken()).toEqual([['state']])
  })
})
