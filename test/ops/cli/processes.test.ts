import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { Runtime, repeat, runAllWorkers } from 'runutil'
import { OpsServer } from 'runutil/ops'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { compiled } from '../../support/compiled.ts'
import { capturedLogger } from '../../support/logs.ts'
import { Program } from '../../support/program.ts'

const MAIN = 'packages/runutil/src/ops/cli/main.ts'
const NODE = `'${process.execPath}' '${compiled(MAIN)}'`

interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** Runs a line of a shell. @param heard gets all that it has printed so far, and may type or send a signal to the process itself */
function shell(line: string, heard?: (out: string, type: (keys: string) => void) => void): Promise<Ended> {
  const child = spawn('sh', ['-c', line], { stdio: 'pipe', env: { ...process.env, TERM: 'xterm' } })
  let out = ''
  let err = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text
    heard?.(out, (keys) => void child.stdin.write(keys))
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => void (err += text))
  if (heard === undefined) child.stdin.end()
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, out, err })))
}

describe('the command in a process of its own', () => {
  test.for([
    [['cron', '0 6 * * *', '--count', '1'], 0],
    [['ps', '--url', 'http://127.0.0.1:1/'], 1],
    [['pss'], 2],
  ] as const)('%j exits with %i', async ([args, code]) => {
    const ended = await new Program({ path: MAIN, args: [...args] }).exit
    expect(ended.code).toBe(code)
    expect(ended.errors.length > 0).toBe(code > 0)
  })

  test('ends quietly when nobody reads on', async () => {
    const { out, err } = await shell(
      `{ ${NODE} cron '* * * * *' --count 3000; echo "code $?" >&2; } | head -n 1`,
    )
    expect(out).toMatch(/^UTC +WHEN\n$/)
    expect(err).toBe('code 0\n')
  })
})

const hasScript = ['/usr/bin/script', '/bin/script'].some(existsSync) && process.platform === 'linux'
if (!hasScript) console.warn("left out: top in a pseudo terminal, which needs 'script' of util-linux")

describe.skipIf(!hasScript)('top in a pseudo terminal', () => {
  const stop = new AbortController()
  const ops = new OpsServer({ port: 0 })
  let run: Promise<void>
  beforeAll(async () => {
    const runtime = new Runtime()
    const { logger } = capturedLogger()
    const workers = [
      { name: 'Ops', worker: ops },
      { name: 'Tidy', worker: repeat('1h', () => {}) },
    ]
    run = runAllWorkers(workers, stop.signal, { runtime, logger })
    await runtime.ready()
  })
  afterAll(async () => {
    stop.abort()
    await run
  })

  test.for([
    [80, 24, 'q'],
    [200, 50, 'SIGTERM'],
  ] as const)('of %i × %i fills it, and gives it back at %s', async ([columns, rows, by]) => {
    let isTold = false
    const inside = `stty cols ${columns} rows ${rows}; echo pid $$ .; exec ${NODE} top --url ${ops.url}`
    const { code, out } = await shell(
      `script -qec "${inside.replaceAll('$', '\\$')}" /dev/null`,
      (so, type) => {
        if (isTold || !so.includes('Tidy')) return
        isTold = true
        if (by === 'q') type('q')
        else process.kill(Number(/pid (\d+) \./.exec(so)![1]), by)
      },
    )
    expect(code).toBe(0)
    expect(out).toContain(`\u001b[${rows};1H`)
    expect(out).not.toContain(`\u001b[${rows + 1};1H`)
    expect(out).toContain('scroll')
    expect(out.endsWith('\u001b[?25h\u001b[?1049l')).toBe(true)
  })
})
