import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, it } from 'vitest'

const here = fileURLToPath(new URL('.', import.meta.url))
/** Inside the repository, so that what runs in it finds the built package as a user's program would. */
let out: string

beforeAll(async () => {
  const parent = join(here, '.runutil')
  await mkdir(parent, { recursive: true })
  out = await mkdtemp(join(parent, 'out-'))
})
afterAll(() => rm(out, { recursive: true }))

/** A program of `programs/`, against the built package. */
async function compile(
  program: string,
  options: Record<string, unknown>,
): Promise<{ code: number; output: string }> {
  const config = join(out, `${program}-${JSON.stringify(Object.values(options))}.json`)
  const compilerOptions = { ...options, noEmit: true, strict: true, target: 'ES2022', types: ['node'] }
  await writeFile(config, JSON.stringify({ compilerOptions, files: [join(here, `programs/${program}.ts`)] }))
  return node(createRequire(import.meta.url).resolve('typescript/bin/tsc'), '-p', config)
}

function node(...args: string[]): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, args, { timeout: 280_000 }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), output: stdout + stderr }),
    )
  })
}

describe.concurrent('a program that uses the built package', { timeout: 280_000 }, () => {
  it.for([
    { module: 'ESNext', moduleResolution: 'Bundler', experimentalDecorators: true },
    { module: 'NodeNext', moduleResolution: 'NodeNext', experimentalDecorators: false },
  ])(
    'has its types with $moduleResolution, experimentalDecorators: $experimentalDecorators',
    async (options, { expect }) => {
      expect(await compile('types', options)).toEqual({ code: 0, output: '' })
    },
  )

  it('may hand in a pool of pg and a PGlite, with the types that these have', async ({ expect }) => {
    // Those of PGlite themselves need more than Node has.
    const options = { module: 'NodeNext', moduleResolution: 'NodeNext', skipLibCheck: true }
    expect(await compile('drivers', options)).toEqual({ code: 0, output: '' })
  })

  it('runs from one minified file, where tsyringe finds reflect-metadata loaded', async ({ expect }) => {
    const outfile = join(out, 'bundled.mjs')
    await build({
      entryPoints: [join(here, '../toolchain/programs/with-inject.ts')],
      // Pino is CommonJS that requires Node's modules, and logs the same whether bundled or not.
      bundle: true,
      minify: true,
      format: 'esm',
      platform: 'node',
      target: 'node20',
      external: ['pino'],
      outfile,
      // Without this repository's own tsconfig, whose paths lead to the sources.
      tsconfigRaw: {},
    })
    const { code, output } = await node(outfile)
    const logged = [...output.matchAll(/"msg":"(.*?)"/g)].map((match) => match[1])
    expect({ code, logged }).toEqual({
      code: 0,
      logged: ['made', 'started', 'hello 1', 'hello 2', 'hello 3', 'stopped'],
    })
  })
})
