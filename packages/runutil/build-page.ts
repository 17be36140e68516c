// Makes `prepared/page/`: the page for operators, as browsers load it.
import { mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

/** Where its sources are. */
export const pageSource = fileURLToPath(new URL('src/ops/page', import.meta.url))
const prepared = fileURLToPath(new URL('prepared/', import.meta.url))

/** Puts each file in place at once; several builds may run. @returns what esbuild had to say: then what was there stays */
export async function buildPage(): Promise<string> {
  const made = join(prepared, `page.${process.pid}`)
  const target = join(prepared, 'page')
  await mkdir(made, { recursive: true })
  await mkdir(target, { recursive: true })
  try {
    await build({
      entryPoints: { page: join(pageSource, 'main.tsx'), style: join(pageSource, 'styles/page.css') },
      outdir: made,
      bundle: true,
      minify: true,
      format: 'esm',
      target: ['chrome111', 'firefox113', 'safari16.4'],
      jsx: 'automatic',
      jsxImportSource: 'preact',
      legalComments: 'none',
      logLevel: 'silent',
    })
    await rename(join(made, 'style.css'), join(made, 'page.css'))
    for (const name of ['index.html', 'icon.svg']) {
      await writeFile(join(made, name), await readFile(join(pageSource, name)))
    }
    for (const name of await readdir(made)) await rename(join(made, name), join(target, name))
    return ''
  } catch (error) {
    return `the page: ${String(error)}\n`
  } finally {
    await rm(made, { recursive: true, force: true })
  }
}
