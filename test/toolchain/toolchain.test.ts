import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const here = fileURLToPath(new URL('.', import.meta.url))
const programs = join(here, 'programs')
const tsconfig = join(programs, 'tsconfig.json')
/** Inside the repository, so that the programs find the built package as a user's would. */
let out: string

beforeAll(async () => {
  const parent = join(here, '.runutil')
  await mkdir(parent, { recursive: true })
  out = await mkdtemp(join(parent, 'out-'))
})
afterAll(() => rm(out, { recursive: true }))

interface Finished {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

function node(...args: string[]): Promise<Finished> {
  const env = { ...process.env, TSX_TSCONFIG_PATH: tsconfig, NODE_ENV: undefined, VITEST: undefined }
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: programs, env, timeout: 280_000 }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr }),
    )
  })
}

/** The file that a package's command starts. */
function command(name: string): string {
  const require = createRequire(import.meta.url)
  const manifest = require.resolve(`${name}/package.json`)
  const { bin } = require(manifest) as { bin: Record<string, string> }
  return join(dirname(manifest), bin[name === 'typescript' ? 'tsc' : name]!)
}

async function succeed(running: Promise<Finished>): Promise<void> {
  const { code, stdout, stderr } = await running
  expect(code, stdout + stderr).toBe(0)
}

async function withTsc(program: string): Promise<Finished> {
  await succeed(node(command('typescript'), '-p', tsconfig, '--outDir', join(out, 'tsc')))
  return node(join(out, 'tsc', `${program}.js`))
}

async function withTsup(program: string): Promise<Finished> {
  const to = join(out, 'tsup')
  const args = ['--format', 'esm', '--target', 'node20', '--no-config', '--out-dir', to]
  await succeed(node(command('tsup'), `${program}.ts`, ...args))
  return node(join(to, `${program}.js`))
}

function withVitest(): Promise<Finished> {
  return node(command('vitest'), 'run', '--config', join(programs, 'vitest.config.ts'))
}

function withTsx(program: string): Promise<Finished> {
  return node('--import', 'tsx', join(programs, `${program}.ts`))
}

async function withEsbuild(program: string, experimentalDecorators: boolean): Promise<Finished> {
  const outfile = join(out, `esbuild-${experimentalDecorators}`, `${program}.mjs`)
  const compilerOptions = { experimentalDecorators, emitDecoratorMetadata: experimentalDecorators }
  await build({
    entryPoints: [join(programs, `${program}.ts`)],
    tsconfigRaw: { compilerOptions },
    target: 'node20',
    format: 'esm',
    outfile,
  })
  return node(outfile)
}

/** What the program logged, as far as every toolchain must agree on it. */
function logged({ stdout }: Finished): { worker?: string; msg: string }[] {
  const lines = stdout.split('\n').filter((line) => line.startsWith('{'))
  return lines
    .map((line) => JSON.parse(line) as { worker?: string; msg: string })
    .map(({ worker, msg }) => ({ ...(worker !== undefined && { worker }), msg }))
}

describe.concurrent('a program with decorators', { timeout: 280_000 }, () => {
  it.for<[string, () => Promise<Finished>]>([
    ['compiled with tsc, from metadata', () => withTsc('with-metadata')],
    ['bundled with tsup and @swc/core, from metadata', () => withTsup('with-metadata')],
    ['in a test of vitest, from metadata', () => withVitest()],
    ['with tsx, from the tokens in `inject`', () => withTsx('with-inject')],
    ['compiled with esbuild, from the tokens in `inject`', () => withEsbuild('with-inject', true)],
    ['compiled with esbuild to TC39 decorators, from `inject`', () => withEsbuild('with-inject', false)],
  ])('runs %s', async ([, run], { expect }) => {
    const finished = await run()
    const worker = '/Greetings/Ticks'
    expect(logged(finished), finished.stdout + finished.stderr).toEqual([
      { msg: 'made' },
      { worker, msg: 'started' },
      { worker, msg: 'hello 1' },
      { worker, msg: 'hello 2' },
      { worker, msg: 'hello 3' },
      { worker, msg: 'stopped' },
    ])
    expect(finished.code).toBe(0)
  })

  it.for<[string, () => Promise<Finished>]>([
    ['tsx', () => withTsx('with-metadata')],
    ['esbuild', () => withEsbuild('with-metadata', true)],
  ])('says what to write when %s emits no metadata and `inject` is missing', async ([, run], { expect }) => {
    const { code, stdout, stderr } = await run()
    expect(JSON.parse(stdout)).toMatchObject({
      level: 60,
      msg: 'run failed',
      err: { type: 'WorkerResolutionError' },
    })
    expect(stderr).toContain(
      'WorkerResolutionError: cannot make worker Greetings: parameter #0 (greeter) of class Greetings: its type ' +
        'is unknown, because there is no decorator metadata; name it in @Worker({ inject: […] }) or by @inject(…), ' +
        'or build with emitDecoratorMetadata',
    )
    expect(code).toBe(1)
  })
})
