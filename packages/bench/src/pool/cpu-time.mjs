import { readFileSync, readdirSync } from 'node:fs'

/** The CPU time of this process and its children so far, all threads, in µs; NaN where there is no /proc. */
export function cpuTime() {
  try {
    return ['self', ...children()].reduce((sum, pid) => sum + cpuTimeOf(pid), 0)
  } catch {
    return NaN
  }
}

function children() {
  return readdirSync('/proc/self/task').flatMap((thread) =>
    readFileSync(`/proc/self/task/${thread}/children`, 'latin1').split(' ').filter(Boolean),
  )
}

function cpuTimeOf(pid) {
  const threads = readdirSync(`/proc/${pid}/task`)
  return threads.reduce((sum, thread) => {
    const [ns] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1').split(' ')
    return sum + Number(ns) / 1000
  }, 0)
}
