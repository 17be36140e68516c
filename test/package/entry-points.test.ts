import { readFileSync, readdirSync } from 'node:fs'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { describe, expect, it } from 'vitest'

const peers = ['pino', 'tsyringe', 'reflect-metadata', 'pg', '@electric-sql/pglite', '@opentelemetry/api']
const dist = fileURLToPath(new URL('../../packages/runutil/dist/', import.meta.url))
const manifest = JSON.parse(
  readFileSync(new URL('../../packages/runutil/package.json', import.meta.url), 'utf8'),
) as { exports: Record<string, unknown>; peerDependencies: Record<string, string> }

const entryPoints = Object.keys(manifest.exports)
  .filter((path) => path !== './package.json')
  .map((path) => path.replace(/^\./, 'runutil'))

async function names(entryPoint: string): Promise<string[]> {
  return Object.keys((await import(entryPoint)) as object).sort()
}

/** A program that uses the built package, bundled and minified without the peers; without what it imports later, when it needs it. */
async function bundle(contents: string): Promise<string> {
  const { outputFiles, metafile } = await build({
    stdin: { contents, resolveDir: import.meta.dirname },
    bundle: true,
    minify: true,
    write: false,
    splitting: true,
    outdir: '/',
    metafile: true,
    format: 'esm',
    platform: 'node',
    external: peers,
    // Without this repository's own tsconfig, whose paths lead to the sources.
    tsconfigRaw: {},
  })
  const texts = new Map(outputFiles.map(({ path, text }) => [basename(path), text]))
  const outputs = new Map(Object.entries(metafile.outputs).map(([path, output]) => [basename(path), output]))
  const loaded = new Set(['stdin.js'])
  for (const name of loaded) {
    for (const { path, kind } of outputs.get(name)?.imports ?? []) {
      if (kind === 'import-statement' && texts.has(basename(path))) loaded.add(basename(path))
    }
  }
  return [...loaded].map((name) => texts.get(name)!).join('')
}

/** What a bundle imports at its start. */
function importsOf(text: string): string[] {
  return Array.from(text.matchAll(/\bfrom\s*"([^"]+)"|\bimport\s*"([^"]+)"/g), ([, a, b]) => a ?? b!)
}

describe('the package', () => {
  it('has these entry points', () => {
    expect(Object.keys(manifest.exports)).toEqual([
      '.',
      './cron',
      './http',
      './leases',
      './queue',
      './coordinate',
      './postgres',
      './pool',
      './pool/child',
      './dispatch',
      './ops',
      './otel',
      './prometheus',
      './testing',
      './package.json',
    ])
  })

  it('exports these names', async () => {
    expect(await names('runutil')).toEqual([
      'DuplicateNameError',
      'ErrWorkerExitedPrematurely',
      'ExponentialBackoff',
      'InvalidArgumentError',
      'InvalidDurationError',
      'LOGGER',
      'NoSuchWorkerError',
      'NotPausableError',
      'RUNTIME',
      'RestartLimitError',
      'RunTimeoutError',
      'Runtime',
      'ShutdownRequestedError',
      'ShutdownTimeoutError',
      'SiblingExitedError',
      'StartTimeoutError',
      'StaticBackoff',
      'UncaughtError',
      'Worker',
      'WorkerGroupError',
      'WorkerHungError',
      'WorkerResolutionError',
      'backoff',
      'currentLogger',
      'currentName',
      'currentRun',
      'currentRuntime',
      'errorIs',
      'healthCheckpoint',
      'healthSnapshot',
      'namedWorker',
      'namedWorkerFromType',
      'provideWorker',
      'repeat',
      'reportProgress',
      'retry',
      'retryJob',
      'runAllJobs',
      'runAllWorkers',
      'runProvidedWorkers',
      'shutdownSignal',
      'supervise',
      'systemClock',
      'wait',
      'workerReady',
    ])
    expect(await names('runutil/cron')).toEqual(['cron', 'nextRuns'])
    expect(await names('runutil/http')).toEqual(['HostNotFoundError', 'PortInUseError', 'httpServer'])
    expect(await names('runutil/leases')).toEqual([
      'LeaseLostError',
      'MemoryLeaseStore',
      'currentFence',
      'distributedCron',
      'distributedRepeat',
      'singleton',
    ])
    expect(await names('runutil/queue')).toEqual([
      'DeadlineExceededError',
      'ErrInvalidJob',
      'ErrJobExists',
      'ErrKindExists',
      'ErrLostLease',
      'ErrUnknownKind',
      'JobFailedError',
      'JobNotFoundError',
      'JobQueue',
      'MemoryJobStore',
      'QueueWorker',
      'ResultTimeoutError',
      'RetryableError',
      'StoreUnavailableError',
      'defineJob',
    ])
    expect(await names('runutil/coordinate')).toEqual([
      'AttemptsExpiringError',
      'CoordinateWorker',
      'ErrBadWorkSpecName',
      'ErrChangedName',
      'ErrGone',
      'ErrLostLease',
      'ErrNoSuchWorkSpec',
      'ErrNoSuchWorkUnit',
      'ErrNoWorkSpecName',
      'ErrNotPending',
      'MemoryCoordinateStore',
      'createCoordinate',
    ])
    expect(await names('runutil/postgres')).toEqual([
      'BundledPeerError',
      'DatabaseClosedError',
      'DatabaseFolderError',
      'DatabaseFullError',
      'DatabaseInUseError',
      'DatabasePanicError',
      'DatabaseRefusedError',
      'DatabaseSettingError',
      'LockLostError',
      'MigrationError',
      'MissingPeerError',
      'PermissionDeniedError',
      'PostgresActionLedger',
      'PostgresCoordinateStore',
      'PostgresDiagnosis',
      'PostgresJobStore',
      'PostgresLeaseStore',
      'PostgresReplicaStore',
      'SchemaChangedError',
      'SchemaMissingError',
      'SchemaTooNewError',
      'TransactionRolledBackError',
      'migrate',
      'openDatabase',
    ])
    expect(await names('runutil/pool')).toEqual([
      'AllocateTimeoutError',
      'CorruptFrameError',
      'EmptyPayloadError',
      'HandshakeError',
      'JobError',
      'OversizedFrameError',
      'PayloadTooLargeError',
      'PoolDestroyedError',
      'ProcessPool',
      'QueueFullError',
      'SpawnError',
      'TaskTimeoutError',
      'UnsupportedPlatformError',
      'WorkerError',
      'WorkerProcess',
      'WorkerStateError',
    ])
    expect(await names('runutil/pool/child')).toEqual(['reportProgress', 'serve'])
    expect(await names('runutil/dispatch')).toEqual([
      'ActionFailedError',
      'Actions',
      'ErrActionEnded',
      'ErrNoSuchAction',
      'ErrNoWorker',
      'ErrTargetTaken',
      'InvalidActionError',
      'JsonLinesActionLedger',
      'LedgerCorruptError',
      'LedgerFileError',
      'LedgerInUseError',
      'LiveWorkers',
      'LockLostError',
      'Manager',
      'ManagerNotRunningError',
      'ManagerRunningError',
      'MemoryActionLedger',
      'OwnTargetError',
      'RetriesExhaustedError',
      'TaskRetryError',
      'WorkerLostError',
      'equivalentAction',
      'needsRetry',
      'retryFunction',
    ])
    expect(await names('runutil/ops')).toEqual([
      'MemoryReplicaStore',
      'OpsServer',
      'doctor',
      'loopMonitor',
      'replica',
    ])
    expect(await names('runutil/otel')).toEqual(['MissingPeerError', 'instrument'])
    expect(await names('runutil/prometheus')).toEqual(['exposition'])
    expect(await names('runutil/testing')).toEqual([
      'Probe',
      'ProbeTimeoutError',
      'VirtualClock',
      'actionLedgerConformance',
      'coordinateConformance',
      'drain',
      'enqueued',
      'isolateWorkers',
      'jobStoreConformance',
      'leaseConformance',
      'replicaStoreConformance',
      'runJob',
      'taskExchangeConformance',
    ])
  })

  it.each(entryPoints)('exports at most 40 names from %s, 60 from the root', async (entryPoint) => {
    const exported = await names(entryPoint)
    expect(exported.length).toBeGreaterThan(0)
    expect(exported.length).toBeLessThanOrEqual(entryPoint === 'runutil' ? 60 : 40)
  })

  it.each([
    // 500 of them for the stores that a run has.
    ['runutil', 38_500],
    ['runutil/cron', 22_000],
    ['runutil/http', 8_800],
    ['runutil/leases', 25_200],
    // 200 of them for what attempts came to by outcome, which metrics have, 200 for what follows jobs through it, and 500 for claims
    // that settle.
    ['runutil/queue', 40_800],
    ['runutil/pool/child', 9_400],
    // Without what the doctor asks, and the schedules that it reads: they are loaded when somebody asks it. With 300 for what checks
    // the options.
    ['runutil/ops', 44_600],
    ['runutil/otel', 26_000],
    ['runutil/prometheus', 24_000],
  ])('costs at most its limit, minified and gzipped, without peers: %s', async (entryPoint, limit) => {
    const text = await bundle(`export * from '${entryPoint}'`)
    expect(gzipSync(text).length).toBeLessThanOrEqual(limit)
  })

  it('leaves out of a bundle what a program does not use', async () => {
    const all = await bundle("export * from 'runutil'")
    const one = await bundle("import { wait } from 'runutil'; await wait(1)")
    expect(one.length).toBeLessThan(all.length / 2)
    expect(one).not.toContain('tsyringe')
    expect(await bundle("import 'runutil/testing'")).not.toContain('VirtualClock')
  })

  it('loads croner with cron, and with leases, and with nothing else', async () => {
    for (const entryPoint of entryPoints) {
      const text = await bundle(`import '${entryPoint}'; export * from '${entryPoint}'`)
      const isThere = text.includes('CronPattern')
      expect([entryPoint, isThere]).toEqual([
        entryPoint,
        ['runutil/cron', 'runutil/leases'].includes(entryPoint),
      ])
    }
  })

  it('has a queue without any database and without dependency injection', async () => {
    const text = await bundle("export * from 'runutil/queue'")
    expect(importsOf(text).filter((name) => peers.includes(name))).toEqual(['pino'])
  })

  it('has a worker of a pool without any package', async () => {
    const text = await bundle("export * from 'runutil/pool/child'")
    expect(importsOf(text).filter((name) => peers.includes(name))).toEqual([])
  })

  it('imports the driver of a database when it is opened, and not before', async () => {
    const text = await bundle("export * from 'runutil/postgres'")
    expect(importsOf(text).filter((name) => ['pg', '@electric-sql/pglite'].includes(name))).toEqual([])
    expect(text).toMatch(/import\("pg"\)/)
    expect(text).toMatch(/import\("@electric-sql\/pglite"\)/)
  })

  it('imports OpenTelemetry when it is told something, and not before', async () => {
    const text = await bundle("export * from 'runutil/otel'")
    expect(importsOf(text)).not.toContain('@opentelemetry/api')
    expect(text).toMatch(/import\("@opentelemetry\/api"\)/)
  })

  it('has types that need none of a driver', () => {
    const types = readdirSync(dist, { recursive: true, encoding: 'utf8' }).filter((file) =>
      file.endsWith('.d.ts'),
    )
    expect(types).toContain('postgres/index.d.ts')
    const needy = types.filter((file) =>
      /['"](pg|@electric-sql\/pglite)['"]/.test(readFileSync(dist + file, 'utf8')),
    )
    expect(needy).toEqual([])
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
