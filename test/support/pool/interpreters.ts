import { spawnSync } from 'node:child_process'

/** Each machine has its own interpreters; the tests say which ones they left out. */
export function isThere(program: string): boolean {
  const isFound = spawnSync(program, ['--version']).status === 0
  if (!isFound) console.warn(`left out: workers for ${program}, which isn't here`)
  return isFound
}
