/** Places in the shared buffer, in 32-bit words. */
export const LOOP_WORDS = {
  /** Counts turns of the event loop. */
  turns: 0,
  /** 1: the inspector is open, so that a debugger may hold the loop. */
  isDebugged: 1,
  /** 1: the thread has to end. */
  isOver: 2,
  /** The number of the worker whose run or job began last; 0: none did. */
  lastBegun: 3,
} as const

/** How many workers are known by name; the others are 'another worker'. */
export const MOST_NAMED = 1_000
export const LONGEST_NAME = 200

/** What the thread is given. */
export interface LoopWatchData {
  readonly words: SharedArrayBuffer
  readonly at: typeof LOOP_WORDS
  /** Of each name its length in bytes and room for so many bytes, from number 1 on. */
  readonly names: SharedArrayBuffer
  readonly longestName: number
  readonly exitAfterMs: number
}

/**
 * The program of the thread, as text: a file of its own would be missing in a bundle.
 *
 * It counts only time in which it has itself run on time, so that a process that was suspended, or whose machine slept, starts over.
 * A loop that is blocked by JavaScript tells where, through the inspector; one that is blocked by native code cannot.
 */
export const LOOP_WATCH = `
const { workerData } = require('node:worker_threads')
const { writeSync } = require('node:fs')
const timers = require('node:timers')
const words = new Int32Array(workerData.words)
const { exitAfterMs, at, longestName } = workerData
const stepMs = Math.min(1000, exitAfterMs / 4)

function isBlocked() {
  let turns = Atomics.load(words, at.turns)
  let silentMs = 0
  let before = performance.now()
  while (Atomics.load(words, at.isOver) === 0) {
    Atomics.wait(words, at.isOver, 0, stepMs)
    const now = performance.now()
    const passedMs = now - before
    before = now
    const count = Atomics.load(words, at.turns)
    const isHeld = passedMs > 1.5 * stepMs + 50 || Atomics.load(words, at.isDebugged) === 1
    if (count !== turns || isHeld) silentMs = 0
    else silentMs += passedMs
    turns = count
    if (silentMs >= exitAfterMs) return true
  }
  return false
}

function lastBegun() {
  const number = Atomics.load(words, at.lastBegun)
  if (number === 0) return undefined
  const offset = (number - 1) * (longestName + 1)
  const bytes = new Uint8Array(workerData.names)
  return Buffer.from(bytes.slice(offset + 1, offset + 1 + bytes[offset])).toString()
}

function end(worker, frames) {
  const begun = lastBegun()
  const who = worker ? worker + ' is running' : begun ? 'the run that began last is of ' + begun : 'no run had begun'
  const where = frames.length === 0 ? '' : ', at ' + frames.join(' < ')
  const after = Math.round(exitAfterMs / 1000)
  const line = 'loopMonitor: the event loop has been blocked for ' + after + ' s: ' + who + where + '; the process is killed\\n'
  try {
    writeSync(2, line)
  } finally {
    process.kill(process.pid, 'SIGKILL')
  }
}

const urls = new Map()

function frameOf({ functionName, location }) {
  const url = urls.get(location.scriptId) ?? ''
  return (functionName || 'anonymous') + ' (' + url + ':' + (location.lineNumber + 1) + ':' + (location.columnNumber + 1) + ')'
}

const NAME = "globalThis[Symbol.for('runutil.shared')]?.values.get('context')?.getStore()?.name ?? ''"

function askLoop() {
  const { Session } = require('node:inspector')
  const session = new Session()
  session.connectToMainThread()
  session.on('Debugger.scriptParsed', ({ params }) => urls.set(params.scriptId, params.url))
  session.on('Debugger.paused', ({ params: { callFrames } }) => {
    const frames = callFrames.slice(0, 5).map(frameOf)
    const asked = { callFrameId: callFrames[0].callFrameId, expression: NAME, returnByValue: true }
    session.post('Debugger.evaluateOnCallFrame', asked, (error, answer) => end(answer?.result?.value, frames))
  })
  session.post('Debugger.enable', () => session.post('Debugger.pause'))
}

if (isBlocked()) {
  timers.setTimeout(() => end('', []), 1000)
  try {
    askLoop()
  } catch {
    // Node may be built without an inspector.
  }
}
`
