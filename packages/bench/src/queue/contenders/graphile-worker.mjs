// graphile-worker with its defaults: no local queue, each completion a statement of its own. As its page on performance
// advises, it has as many connections as jobs at once and two more, and doesn't log each success.
import { Logger, makeWorkerUtils, run } from 'graphile-worker'

const quiet = new Logger(() => (level, message) => {
  if (level === 'error' || level === 'warning') console.error(message)
})

export async function setup(url) {
  const utils = await makeWorkerUtils({ preset: presetOf(url) })
  await utils.migrate()
  await utils.release()
}

export async function producer(url) {
  const utils = await makeWorkerUtils({ preset: presetOf(url) })
  return {
    inputs: (payloads, runAt) => payloads.map((payload) => ({ identifier: 'bench', payload, runAt })),
    addMany: (inputs) => utils.addJobs(inputs),
    add: (payload) => utils.addJob('bench', payload),
    addUnique: (payload, jobKey) => utils.addJob('bench', payload, { jobKey }),
    close: () => utils.release(),
  }
}

export async function worker(url, { concurrency }, onJob) {
  return start(url, { concurrentJobs: concurrency }, onJob)
}

export async function start(url, options, onJob) {
  const connections = Math.max(10, options.concurrentJobs + 2)
  const preset = presetOf(url, { ...options, maxPoolSize: connections })
  const taskList = { bench: async (payload) => onJob(payload) }
  const runner = await run({ preset, taskList, noHandleSignals: true })
  return () => runner.stop()
}

function presetOf(url, options = {}) {
  return { worker: { connectionString: url, logger: quiet, ...options } }
}
