import { execFile, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** Whether a program and its processes can be kept on one core. */
export const hasOneCore = spawnSync('taskset', ['-c', '1', 'true']).status === 0

/**
 * Runs a program of this folder in a process of its own; what it prints last is its result, as JSON.
 *
 * @param onOneCore whether it and all that it starts share core 1
 */
export async function program<T>(
  path: string,
  args: readonly (string | number)[],
  nodeOptions: readonly string[] = [],
  onOneCore = false,
): Promise<T> {
  const file = fileURLToPath(new URL(path, import.meta.url))
  const command = [
    ...(onOneCore ? ['taskset', '-c', '1'] : []),
    process.execPath,
    ...nodeOptions,
    file,
    ...args.map(String),
  ]
  const { stdout } = await promisify(execFile)(command[0]!, command.slice(1))
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as T
}

/** Measures all contenders in turn, round by round, so that a slow minute of the machine hits them all. */
export async function inRounds<Name extends string>(
  names: readonly Name[],
  rounds: number,
  measure: (name: Name) => Promise<number>,
): Promise<Record<Name, number[]>> {
  const measured = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>
  for (let round = 0; round < rounds; round++) {
    for (const name of names) measured[name].push(await measure(name))
  }
  return measured
}

/** The median of the ratios round by round. */
export function ratio(of: readonly number[], to: readonly number[]): number {
  return median(of.map((value, round) => value / to[round]!))
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
