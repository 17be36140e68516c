import { execFile } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type BuildOptions, build } from 'esbuild'
import { openDatabase } from 'runutil/postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const PGLITE = '@electric-sql/pglite'
const PREPARED = fileURLToPath(new URL('../../packages/runutil/prepared/folder.br', import.meta.url))
const BANNER = `import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);`
const PROGRAM = `
  import { openDatabase } from 'runutil/postgres'
  import { runAllJobs, currentLogger } from 'runutil'

  async function main() {
    await runAllJobs([async () => currentLogger().info('logged')])
    const database = await openDatabase('memory:')
    console.log(await database.query({ text: 'select system_identifier::text from pg_control_system()' }))
    await database.close()
  }
  main().catch((error) => console.log(error.code, error.message))
`

/** Inside the repository, so that what runs in it finds the installed packages. */
let out: string
beforeAll(async () => {
  const parent = fileURLToPath(new URL('.runutil', import.meta.url))
  await mkdir(parent, { recursive: true })
  out = await mkdtemp(join(parent, 'bundles-'))
  await writeFile(join(out, 'main.mjs'), PROGRAM)
})
afterAll(() => rm(out, { recursive: true }))

/** What a bundle of the program prints. */
async function printed(name: string, options: BuildOptions): Promise<string> {
  const outfile = join(out, name)
  const bundled = { bundle: true, platform: 'node', target: 'node20', logLevel: 'error' } as const
  await build({ entryPoints: [join(out, 'main.mjs')], outfile, tsconfigRaw: {}, ...bundled, ...options })
  return new Promise((resolve) => {
    execFile(process.execPath, [outfile], (_, stdout, stderr) => resolve(`${stdout}${stderr}`))
  })
}

async function numberOf(): Promise<unknown> {
  await using database = await openDatabase('memory:')
  const text = 'select system_identifier::text from pg_control_system()'
  return (await database.query({ text }))[0]![0]
}

describe('a bundle by esbuild', () => {
  it.each<[string, BuildOptions]>([
    ['esm.mjs', { format: 'esm', banner: { js: BANNER } }],
    ['cjs.cjs', { format: 'cjs' }],
  ])('works as %s, with PGlite left out of it and the empty database beside it', async (name, options) => {
    await copyFile(PREPARED, join(out, 'runutil-folder.br'))
    const lines = await printed(name, { ...options, external: [PGLITE, 'pg-native'] })
    expect(lines).toContain('"msg":"logged"')
    // All that come from the empty database have its number.
    expect(lines).toContain(`[ [ '${await numberOf()}' ] ]`)
  })

  it.each<[string, BuildOptions]>([
    ['inside.mjs', { format: 'esm', banner: { js: BANNER } }],
    ['inside.cjs', { format: 'cjs' }],
    ['inside-minified.mjs', { format: 'esm', banner: { js: BANNER }, minify: true }],
  ])('says, as %s, that PGlite has to be left out of it', async (name, options) => {
    const lines = await printed(name, { ...options, external: ['pg-native'] })
    expect(lines).toContain(
      `ERR_BUNDLED_PEER expected the package '${PGLITE}' outside of the bundle; it was bundled`,
    )
    expect(lines).toContain(`keep it external (esbuild: --external:${PGLITE})`)
    expect(lines).not.toMatch(/ENOENT|Invalid URL/)
  })
})
