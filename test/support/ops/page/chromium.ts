import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import packed from '@sparticuz/chromium'
import { type Browser, chromium } from 'playwright-core'

/** Why tests with a browser are left out; undefined where it runs. */
export const whyNoBrowser =
  process.platform === 'linux' && process.arch === 'x64'
    ? undefined
    : `the Chromium of npm runs on Linux x64, and this is ${process.platform} ${process.arch}`
if (whyNoBrowser !== undefined) console.warn(`tests of the page are left out: ${whyNoBrowser}`)

/** One process ends with its first tab, and the others would let a page do what the tests say it can't. */
const UNWANTED = /single-process|disable-web-security|allow-running-insecure|site-isolation/

export async function launchChromium(): Promise<Browser> {
  const folder = await unpacked()
  return chromium.launch({
    executablePath: join(folder, 'chromium'),
    args: packed.args.filter((one) => !UNWANTED.test(one)),
    env: { ...process.env, FONTCONFIG_FILE: join(folder, 'fonts.conf') },
  })
}

/** Where it is, unpacked once a machine, and put in place at once: several test files may begin together. */
async function unpacked(): Promise<string> {
  const folder = join(tmpdir(), `runutil-chromium-${await version()}`)
  if (existsSync(folder)) return folder
  const made = await mkdtemp(`${folder}-`)
  const before = process.env['TMPDIR']
  process.env['TMPDIR'] = made
  await packed.executablePath().finally(() => {
    if (before === undefined) delete process.env['TMPDIR']
    else process.env['TMPDIR'] = before
  })
  await writeFile(join(made, 'fonts.conf'), fontsIn(folder))
  await rename(made, folder).catch(() => rm(made, { recursive: true }))
  return folder
}

async function version(): Promise<string> {
  const path = fileURLToPath(new URL('../../package.json', import.meta.resolve('@sparticuz/chromium')))
  return (JSON.parse(await readFile(path, 'utf8')) as { version: string }).version
}

function fontsIn(folder: string): string {
  const folders = [join(folder, 'fonts'), '/usr/share/fonts'].map((one) => `<dir>${one}</dir>`)
  const cache = `<cachedir>${join(folder, 'fonts-cache')}</cachedir>`
  return `<?xml version="1.0"?><fontconfig>${folders.join('')}${cache}</fontconfig>`
}
