import { describe, expect, test } from 'vitest'
import { isLoopbackListener, isLoopbackPeer } from '../../packages/runutil/src/ops/access/authority.ts'
import { type Access, refusal } from '../../packages/runutil/src/ops/access/guard.ts'
import { FakeServer } from '../support/ops/fake-server.ts'
import { ask } from '../support/ops/raw-client.ts'

const rules = { allowedHosts: ['ops.example', 'xn--bcher-kva.example'], mayChange: true, hasReadToken: false }

function refused(access: Access, headers: Record<string, string | undefined>) {
  const error = refusal(access, headers, rules)
  return error && { status: error.status, message: error.message }
}

describe('Host', () => {
  test.each([
    '127.0.0.1',
    '127.0.0.1:8090',
    '10.1.2.3:80',
    '[::1]',
    '[::1]:8090',
    '[fe80::1]:443',
    'localhost',
    'LOCALHOST:1',
    'localhost.',
    'ops.example',
    'ops.example:8443',
    'OPS.EXAMPLE',
    'ops.example.:80',
    'bücher.example',
  ])('is served: %s', (host) => {
    expect(refused('page', { host })).toBeUndefined()
    expect(refused('read', { host })).toBeUndefined()
  })

  test.each([
    'evil.example',
    'ops.example.evil.example',
    'evil-ops.example',
    'sub.ops.example',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    '127.0.0.1.nip.io:8090',
    'evil.example@127.0.0.1',
    'evil.example#127.0.0.1',
    'evil.example?127.0.0.1',
    'evil.example/127.0.0.1',
    'evil.example\\127.0.0.1',
    '127.0.0.1:80:80',
    '127.0.0.1:99999',
    '::1',
    '[::1',
    '300.1.1.1',
    ' localhost',
    '',
    undefined,
  ])('is a name that somebody else may have made, or none, and so 421: %s', (host) => {
    for (const access of ['page', 'read', 'session', 'control'] as const) {
      expect(refused(access, { host, ...CHANGE_HEADERS })?.status).toBe(421)
    }
    // Kubernetes asks for probes by whatever name it likes.
    expect(refused('open', { host })).toBeUndefined()
    expect(refused('metrics', { host })).toBeUndefined()
  })

  test('is told with what to set', () => {
    expect(refused('read', { host: 'evil.example:8090' })?.message).toBe(
      'Host: expected an IP address, localhost or one of allowedHosts; got "evil.example:8090"; ' +
        "if it is this server's, set allowedHosts: ['evil.example']",
    )
  })

  test('is :authority in HTTP/2', () => {
    expect(refused('read', { ':authority': 'localhost' })).toBeUndefined()
    expect(refused('read', { ':authority': 'evil.example' })?.status).toBe(421)
  })
})

const CHANGE_HEADERS = { 'content-type': 'application/json', 'x-runutil': '1' }

describe('Origin of a change', () => {
  test.each([
    ['localhost:8090', undefined],
    ['localhost:8090', 'http://localhost:8090'],
    ['LOCALHOST:8090', 'http://localhost:8090'],
    ['[::1]:8090', 'http://[::1]:8090'],
    ['[0:0:0:0:0:0:0:1]:8090', 'http://[::1]:8090'],
    ['ops.example', 'https://ops.example'],
    ['ops.example:443', 'https://ops.example'],
    ['ops.example:80', 'http://ops.example'],
    ['ops.example', 'http://ops.example:80'],
    // Behind a proxy that ends TLS and says which port it has itself.
    ['ops.example:80', 'https://ops.example'],
    ['ops.example:8443', 'https://ops.example:8443'],
  ])('is served: Host %s, Origin %s', (host, origin) => {
    for (const access of ['control', 'session'] as const) {
      expect(refused(access, { host, origin, ...CHANGE_HEADERS })).toBeUndefined()
    }
  })

  test.each([
    ['localhost:8090', 'http://localhost:3000'],
    ['localhost:8090', 'http://localhost'],
    ['localhost:8090', 'http://127.0.0.1:8090'],
    ['localhost:8090', 'https://evil.example'],
    ['ops.example', 'https://ops.example:8443'],
    ['ops.example', 'https://ops.example.evil.example'],
    ['ops.example', 'https://evil.example/ops.example'],
    ['ops.example', 'https://evil.example@ops.example'],
    ['ops.example', 'file://ops.example'],
    ['ops.example', 'null'],
    ['ops.example', ''],
    // A proxy that says where it connects to, instead of what it was asked for.
    ['127.0.0.1:8090', 'https://ops.example'],
  ])('is another, and so 403: Host %s, Origin %s', (host, origin) => {
    for (const access of ['control', 'session'] as const) {
      expect(refused(access, { host, origin, ...CHANGE_HEADERS })?.status).toBe(403)
    }
  })

  test('is told with both, and what to set', () => {
    const headers = { host: '127.0.0.1:8090', origin: 'https://ops.example', ...CHANGE_HEADERS }
    expect(refused('control', headers)?.message).toBe(
      'Origin: expected the host and port of Host, "127.0.0.1:8090"; got "https://ops.example"; ' +
        'a proxy has to pass Host on as it came (nginx: proxy_set_header Host $http_host)',
    )
  })
})

describe('a page of another site', () => {
  const host = 'localhost:8090'
  const control = { token: 'secret' }
  const authorization = 'Bearer secret'

  test.each([
    ['a form', 'application/x-www-form-urlencoded', 415],
    ['a form with a file', 'multipart/form-data; boundary=x', 415],
    ['a form of text', 'text/plain', 415],
    ['a form whose type only begins as JSON', 'application/jsonp', 415],
    ['nothing', undefined, 415],
  ])('changes nothing by %s, even without Origin', (_, type, status) => {
    expect(refused('control', { host, 'content-type': type, 'x-runutil': '1' })?.status).toBe(status)
    // A form can send no header of its own.
    expect(refused('control', { host, 'content-type': type })?.status).toBe(403)
  })

  test('changes nothing by fetch with text/plain, nor with credentials that the browser adds', async () => {
    await using server = await FakeServer.start({ options: control })
    const signedIn = await server.post('/api/v1/session', { token: 'secret' })
    const cookie = signedIn.headers['set-cookie']![0]!.split(';')[0]!
    for (const credentials of [{ cookie }, { authorization }]) {
      const headers = { ...credentials, host, origin: 'https://evil.example', 'content-type': 'text/plain' }
      const answer = await ask(server.port, { method: 'POST', path: '/api/v1/kinds/mail/pause', headers })
      expect(answer.status).toBe(403)
    }
    expect(server.fakes.taken()).toEqual([])
  })

  test('is not asked by a preflight: no CORS', async () => {
    await using server = await FakeServer.start({ options: control })
    const answer = await ask(server.port, {
      method: 'OPTIONS',
      path: '/api/v1/kinds/mail/pause',
      headers: { host, origin: 'https://evil.example', 'access-control-request-method': 'POST' },
    })
    expect(answer.status).toBe(405)
    expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control'))).toEqual([])
  })

  test('opens no WebSocket', async () => {
    await using server = await FakeServer.start({ options: control })
    const headers = {
      host,
      origin: 'https://evil.example',
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    }
    for (const path of ['/api/v1/events', '/api/v1/state']) {
      expect((await server.get(path, headers)).status).toBe(400)
    }
    expect(server.fakes.taken()).toEqual([])
  })

  test('opens no streams as images, but may link to what can be seen', () => {
    const site = { host, 'sec-fetch-site': 'cross-site' }
    expect(refused('read', { ...site, 'sec-fetch-dest': 'image' })?.status).toBe(403)
    expect(refused('read', { ...site, 'sec-fetch-dest': 'iframe' })?.status).toBe(403)
    expect(refused('read', { ...site, 'sec-fetch-dest': 'document' })).toBeUndefined()
    expect(
      refused('read', { host, 'sec-fetch-site': 'same-origin', 'sec-fetch-dest': 'empty' }),
    ).toBeUndefined()
  })

  test.each([undefined, '', '0', 'true', '1, 1'])('needs x-runutil: 1; got %s', (value) => {
    expect(refused('control', { host, 'content-type': 'application/json', 'x-runutil': value })?.status).toBe(
      403,
    )
  })

  test.each(['application/json', 'application/json; charset=utf-8', 'Application/JSON ;charset=utf-8'])(
    'is not what sends %s',
    (type) => {
      expect(refused('control', { host, 'content-type': type, 'x-runutil': '1' })).toBeUndefined()
    },
  )

  test('sends nothing compressed', () => {
    expect(refused('control', { host, ...CHANGE_HEADERS, 'content-encoding': 'gzip' })?.status).toBe(415)
    expect(refused('control', { host, ...CHANGE_HEADERS, 'content-encoding': 'identity' })).toBeUndefined()
  })
})

describe('loopback', () => {
  test.each([
    '127.0.0.1',
    '127.1.2.3',
    'localhost',
    'LocalHost',
    '::1',
    '[::1]',
    '0:0:0:0:0:0:0:1',
    '::ffff:127.0.0.1',
  ])('is what listens on %s', (host) => expect(isLoopbackListener(host)).toBe(true))

  test.each([
    '',
    '0',
    '0.0.0.0',
    '::',
    '::0',
    '10.0.0.1',
    '::ffff:10.0.0.1',
    '128.0.0.1',
    'ops.example',
    '127.evil.example',
  ])('is not what listens on %s', (host) => expect(isLoopbackListener(host)).toBe(false))

  test.each(['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1'])('is where %s is', (address) => {
    expect(isLoopbackPeer(address)).toBe(true)
  })

  test.each([undefined, '', '10.0.0.1', '::ffff:10.0.0.1', 'fe80::1', '::127.0.0.1', '1127.0.0.1'])(
    'is not where %s is',
    (address) => expect(isLoopbackPeer(address)).toBe(false),
  )
})

test('what is sent has these headers, whatever it is', async () => {
  await using server = await FakeServer.start()
  for (const path of ['/livez', '/metrics', '/api/v1/state', '/api/v1/nothing', '/api/v1/jobs?bad=1']) {
    const { headers } = await server.get(path)
    expect(headers).toMatchObject({
      'content-security-policy':
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'",
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
    })
  }
})
