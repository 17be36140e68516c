// Makes `dist`: one module for each source file, so that a bundler leaves out what a program doesn't use, and
// so that `new URL('./…', import.meta.url)` means the same in dist as in src.
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { buildPage, pageSource } from './build-page.ts'
import { prepareFolder } from './prepare-folder.ts'

const root = fileURLToPath(new URL('.', import.meta.url))
const dist = join(root, 'dist')
/** Where builds are made, each in a directory of its own; what looks through the sources passes it by. */
const workshop = join(root, 'node_modules/.build')
const sources = [
  'src',
  'build.ts',
  'tsup.config.ts',
  'tsconfig.build.json',
  '../../tsconfig.base.json',
  'package.json',
]

export interface BuildResult {
  /** What the compiler had to say; '' when it found nothing wrong. Like tsx and vitest, it emits all the same. */
  readonly complaints: string
}

/**
 * Builds `dist` and puts it in place in one go, so that nobody sees half of it. Several builds may run at once;
 * of those that started from the same sources, the first to end counts.
 */
async function build(): Promise<BuildResult> {
  const startedAt = new Date()
  const made = join(workshop, `${process.pid}`)
  await mkdir(made, { recursive: true })
  try {
    const [complaints, pageComplaints] = await Promise.all([compile(made), buildPage(), prepareFolder()])
    // What is edited from here on is newer than what was built, even before the build is in place.
    await utimes(made, startedAt, startedAt)
    // Types may be wrong and modules there all the same; without modules, what was there before stays.
    if (existsSync(join(made, 'index.js'))) await putInPlace(made)
    return { complaints: `${complaints}${pageComplaints}` }
  } finally {
    await rm(made, { recursive: true, force: true })
  }
}

/** As `build`, when there is no `dist` or a source or setting has changed since. */
export async function buildIfStale(): Promise<BuildResult> {
  if (!(await isFresh())) return build()
  const [complaints] = await Promise.all([buildPage(), prepareFolder()])
  return { complaints }
}

async function compile(outDir: string): Promise<string> {
  const tsup = createRequire(import.meta.url).resolve('tsup/dist/cli-default.js')
  try {
    await promisify(execFile)(process.execPath, [tsup, '--silent', '--outDir', outDir], { cwd: root })
    return ''
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
    return `${stdout}${stderr}` || String(error)
  }
}

async function putInPlace(made: string): Promise<void> {
  const builtFrom = (await stat(made)).mtimeMs
  // Another build may put its own in place at any moment.
  while ((await modifiedAt(dist)) < builtFrom) {
    const old = `${made}-old`
    await rename(dist, old).catch(ignoring('ENOENT'))
    await rename(made, dist).catch(ignoring('ENOTEMPTY', 'EEXIST'))
    await rm(old, { recursive: true, force: true })
  }
}

function ignoring(...codes: string[]): (error: NodeJS.ErrnoException) => void {
  return (error) => {
    if (!codes.includes(error.code ?? '')) throw error
  }
}

async function isFresh(): Promise<boolean> {
  const newest = await Promise.all(sources.map((path) => newestIn(join(root, path))))
  return (await modifiedAt(dist)) > Math.max(...newest)
}

/** The time of a directory itself counts too: it changes when a file in it is deleted. */
async function newestIn(path: string): Promise<number> {
  // No part of `dist`, and built each time, which is quick.
  if (path === pageSource) return -Infinity
  const own = await stat(path)
  if (!own.isDirectory()) return own.mtimeMs
  const inside = await Promise.all((await readdir(path)).map((name) => newestIn(join(path, name))))
  return Math.max(own.mtimeMs, ...inside)
}

async function modifiedAt(path: string): Promise<number> {
  return stat(path).then(
    ({ mtimeMs }) => mtimeMs,
    () => -Infinity,
  )
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  // Installing builds already.
  const { complaints } = await buildIfStale()
  if (complaints !== '') {
    process.stderr.write(complaints)
    process.exitCode = 1
  }
}
