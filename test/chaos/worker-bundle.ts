import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const inRoot = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url))

/** Makes one file of a worker and all that it imports: started a thousand times, it needn't be compiled each time. */
export async function bundleWorker(folder: string): Promise<string> {
  const outfile = join(folder, 'worker.mjs')
  await build({
    entryPoints: [inRoot('test/chaos/worker-main.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    sourcemap: 'inline',
    tsconfig: inRoot('tsconfig.json'),
    external: ['@electric-sql/pglite', 'pg-native', 'tsyringe'],
    // For the packages in it that call require.
    banner: {
      js: `import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);`,
    },
    logLevel: 'warning',
  })
  return outfile
}
