import { rmdirSync, unlinkSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { Worker } from 'node:worker_threads'

/** The parent at the start of this process: a different one later means that the parent has ended. */
const parentPid = process.ppid
/** How long it may take until the end of the parent shows after the relay has closed. */
const GONE_MS = 100

/** A worker that is blocked in its own code doesn't notice its parent's end: this thread does, and ends the process. */
const WATCH = `
const { pid, parentPid } = require('node:worker_threads').workerData
globalThis.setInterval(() => {
  if (process.ppid === parentPid) return
  try { if (pid !== 1) process.kill(-pid, 'SIGKILL') } catch {}
  process.kill(pid, 'SIGKILL')
}, 1000)`

/** Watches for the parent's end in another thread. @returns a function that stops it */
export function watchParent(): () => void {
  try {
    const thread = new Worker(WATCH, {
      eval: true,
      workerData: { pid: process.pid, parentPid },
      execArgv: [],
      env: {},
      // Otherwise the thread would open this process's stdout, which may be the relay.
      stdout: true,
      stderr: true,
      resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2, stackSizeMb: 1 },
    })
    thread.unref()
    thread.on('error', () => {})
    return () => void thread.terminate()
  } catch {
    // Node was started without permission to create threads.
    return () => {}
  }
}

/** Exits after the relay has closed without a stop. If the parent has ended, also kills the processes started by this one. */
export function exitOnRelayEnd(address: string | undefined): never {
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

/** Only a group leader's pid is the group's id. For process 1, the signal would go to all processes. */
function killGroup(): void {
  if (process.pid === 1) return
  try {
    process.kill(-process.pid, 'SIGKILL')
  } catch {
    // This process leads no group.
  }
}

/** Removes the socket's folder, which a killed pool couldn't remove itself. */
function removeSocket(address: string): void {
  const path = /^unix:\/\/(.*)$/.exec(address)?.[1] ?? ''
  const folder = dirname(path)
  if (!basename(folder).startsWith('runutil-') || basename(path) !== 'relay.sock') return
  try {
    // Nothing else in it is the pool's.
    unlinkSync(path)
    rmdirSync(folder)
  } catch {
    // Another worker has removed the folder, or it belongs to another user.
  }
}
