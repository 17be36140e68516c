import { rmSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { Worker } from 'node:worker_threads'

/** As this process began: another one later means that this one is gone. */
const parentPid = process.ppid
/** How long it may take after the relay has closed until it shows that the parent is gone. */
const GONE_MS = 100

/** A worker that is blocked in its own code hears nothing of its parent's end: this thread does, and ends the process. */
const WATCH = `
const { pid, parentPid } = require('node:worker_threads').workerData
globalThis.setInterval(() => {
  if (process.ppid === parentPid) return
  try { if (pid !== 1) process.kill(-pid, 'SIGKILL') } catch {}
  process.kill(pid, 'SIGKILL')
}, 1000)`

/** Watches for the parent's end beside whatever this thread does. @returns ends it */
export function watchParent(): () => void {
  try {
    const thread = new Worker(WATCH, {
      eval: true,
      workerData: { pid: process.pid, parentPid },
      execArgv: [],
      env: {},
      // Else it would open this process's stdout, which may be the relay.
      stdout: true,
      stderr: true,
      resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2, stackSizeMb: 1 },
    })
    thread.unref()
    thread.on('error', () => {})
    return () => void thread.terminate()
  } catch {
    // Node was started without the right to make threads.
    return () => {}
  }
}

/** The relay has closed without a stop. If that is since the parent is gone, what this process has started goes too. */
export function leave(address: string | undefined): never {
  if (isParentGone()) {
    if (address !== undefined) removeSocket(address)
    process.on('exit', killGroup)
  }
  process.exit()
}

function isParentGone(): boolean {
  for (let waited = 0; process.ppid === parentPid; waited += 5) {
    if (waited >= GONE_MS) return false
    sleep(5)
  }
  return true
}

export function sleep(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

/** Only the leader of a group has the group's number. Of process 1 it would mean all processes. */
function killGroup(): void {
  if (process.pid === 1) return
  try {
    process.kill(-process.pid, 'SIGKILL')
  } catch {
    // It leads none.
  }
}

/** A pool that was killed couldn't take its own folder away. */
function removeSocket(address: string): void {
  const path = /^unix:\/\/(.*)$/.exec(address)?.[1] ?? ''
  const folder = dirname(path)
  if (!basename(folder).startsWith('runutil-') || basename(path) !== 'relay.sock') return
  try {
    rmSync(folder, { recursive: true, force: true })
  } catch {
    // Another worker was quicker, or it isn't ours.
  }
}
