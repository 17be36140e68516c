import { readFileSync } from 'node:fs'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { describe, expect, it } from 'vitest'

const peers = ['pino', 'tsyringe', 'reflect-metadata', 'pg', '@electric-sql/pglite']
const manifest = JSON.parse(
  readFileSync(new URL('../../packages/runutil/package.json', import.meta.url), 'utf8'),
) as { exports: Record<string, unknown>; peerDependencies: Record<string, string> }

/** A program that uses the built package, bundled and minified without the peers. */
async function bundle(contents: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: import.meta.dirname },
    ...{ bundle: true, minify: true, write: false, format: 'esm', platform: 'node', external: peers },
    // Without this repository's own tsconfig, whose paths lead to the sources.
    tsconfigRaw: {},
  })
  return outputFiles[0]!.text
}

describe('the package', () => {
  it('has these doors', () => {
    expect(Object.keys(manifest.exports)).toEqual(['.', './testing', './package.json'])
  })

  it('exports these names', async () => {
    const names = async (door: string) => Object.keys((await import(door)) as object).sort()
    expect(await names('runutil')).toEqual([
      ...['DuplicateNameError', 'ErrWorkerExitedPrematurely', 'ExponentialBackoff', 'InvalidArgumentError'],
      ...[
        'InvalidDurationError',
        'LOGGER',
        'ShutdownRequestedError',
        'ShutdownTimeoutError',
        'SiblingExitedError',
      ],
      ...['StaticBackoff', 'Worker', 'WorkerGroupError', 'WorkerResolutionError', 'backoff', 'currentLogger'],
      ...[
        'currentName',
        'errorIs',
        'healthCheckpoint',
        'healthSnapshot',
        'namedWorker',
        'namedWorkerFromType',
      ],
      ...[
        'provideWorker',
        'repeat',
        'retry',
        'retryJob',
        'runAllJobs',
        'runAllWorkers',
        'runProvidedWorkers',
      ],
      ...['shutdownSignal', 'systemClock', 'wait'],
    ])
    expect(await names('runutil/testing')).toEqual(['Probe', 'ProbeTimeoutError', 'VirtualClock'])
  })

  it('costs at most 10 kB at its root door, minified and gzipped, without peers', async () => {
    const text = await bundle("export * from 'runutil'")
    expect(gzipSync(text).length).toBeLessThanOrEqual(10_000)
    expect(brotliCompressSync(text).length).toBeLessThan(gzipSync(text).length)
  })

  it('leaves out of a bundle what a program does not use', async () => {
    const all = await bundle("export * from 'runutil'")
    const one = await bundle("import { wait } from 'runutil'; await wait(1)")
    expect(one.length).toBeLessThan(all.length / 2)
    expect(one).not.toContain('tsyringe')
    expect(await bundle("import 'runutil/testing'")).not.toContain('VirtualClock')
  })

  it('loads reflect-metadata before tsyringe, in a bundle too', async () => {
    const text = await bundle(
      "import { Worker } from 'runutil'; Worker()(class A {}); console.log('decorated')",
    )
    const order = [...text.matchAll(/from\s*"(tsyringe)"|import\s*"(reflect-metadata)"/g)].map(
      (match) => match[1] ?? match[2],
    )
    expect(order.indexOf('reflect-metadata')).toBeGreaterThanOrEqual(0)
    expect(order.indexOf('reflect-metadata')).toBeLessThan(order.indexOf('tsyringe'))
  })
})
