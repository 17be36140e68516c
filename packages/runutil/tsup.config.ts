import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'tsup'

const modules = [
  'core',
  'runtime',
  'cron',
  'http',
  'leases',
  'queue',
  'coordinate',
  'pool',
  'dispatch',
  'postgres',
  'ops',
  'otel',
  'prometheus',
  'testing',
]
const entryPoints = ['index', 'pool/child/index', ...modules.map((module) => `${module}/index`)].filter(
  (entry) => existsSync(fileURLToPath(new URL(`src/${entry}.ts`, import.meta.url))),
)

export default defineConfig({
  entry: ['src/**/*.ts', '!src/ops/page/**'],
  format: 'esm',
  target: 'node20',
  // No class of this package is decorated, and to emit metadata tsup wraps every function to keep its name.
  tsconfig: 'tsconfig.build.json',
  // One module for each source file: of a bundle in one file, `import { wait }` would drag in everything.
  bundle: true,
  esbuildPlugins: [
    {
      name: 'one-module-a-file',
      setup(build) {
        build.onResolve({ filter: /^\.\.?\// }, ({ kind, path }) =>
          kind === 'entry-point' ? undefined : { path: path.replace(/\.ts$/, '.js'), external: true },
        )
      },
    },
  ],
  dts: { entry: Object.fromEntries(entryPoints.map((entry) => [entry, `src/${entry}.ts`])) },
})
