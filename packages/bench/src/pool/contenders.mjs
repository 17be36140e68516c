// Each takes a number of processes and gives { call(payload): Promise<payload>, close() }.
import { fileURLToPath } from 'node:url'

const file = (name) => fileURLToPath(new URL(name, import.meta.url))

async function runutil(numWorkers, options) {
  const { ProcessPool } = await import('runutil/pool')
  const command = [process.execPath, file('echo-serve.mjs')]
  const pool = new ProcessPool({ command, numWorkers, ...options })
  await pool.start()
  return { call: (payload) => pool.exec(payload), close: () => pool.destroy() }
}

export const contenders = {
  runutil: (count) => runutil(count, {}),
  'runutil, pipelining 8': (count) => runutil(count, { pipelining: 8 }),
  'runutil, spin': (count) => runutil(count, { spin: true }),
  tinypool: async (count) => {
    const { Tinypool } = await import('tinypool')
    const pool = new Tinypool({
      filename: file('echo-function.mjs'),
      runtime: 'child_process',
      serialization: 'advanced',
      minThreads: count,
      maxThreads: count,
    })
    await Promise.all(Array.from({ length: count }, () => pool.run('up')))
    return { call: (payload) => pool.run(payload), close: () => pool.destroy() }
  },
  workerpool: async (count) => {
    const { default: workerpool } = await import('workerpool')
    const pool = workerpool.pool(file('echo-workerpool.mjs'), {
      workerType: 'process',
      minWorkers: count,
      maxWorkers: count,
      // Its default, JSON, would turn bytes into lists of numbers.
      forkOpts: { serialization: 'advanced' },
    })
    await Promise.all(Array.from({ length: count }, () => pool.exec('echo', ['up'])))
    return { call: (payload) => pool.exec('echo', [payload]), close: () => pool.terminate() }
  },
  'jest-worker': async (count) => {
    const { Worker } = await import('jest-worker')
    const pool = new Worker(file('echo-function.mjs'), {
      numWorkers: count,
      exposedMethods: ['echo'],
      enableWorkerThreads: false,
    })
    await Promise.all(Array.from({ length: count }, () => pool.echo('up')))
    return { call: (payload) => pool.echo(payload), close: () => pool.end() }
  },
}
