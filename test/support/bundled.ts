import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const inRoot = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url))

/** Where what a program of ours imports is installed: to be the folder in which a bundled one runs. */
export const BUNDLED_CWD = inRoot('packages/runutil')

/** A program, named by its path in test/, as one text of JavaScript: many processes that transpile for themselves take long. */
export async function bundled(program: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [inRoot(`test/${program}.ts`)],
    bundle: true,
    write: false,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    target: 'node20',
  })
  return outputFiles[0]!.text
}
