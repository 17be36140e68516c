// runutil and bare setInterval at the same time, each on a core of its own, cores exchanged from pair to pair: what
// slows the machine down then hits both alike. 1,000 jobs every 10 ms. `pairs [how many] [async | sync]`; Linux, two cores.
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { median } from '../measure.ts'
import { printMachine } from '../table.ts'

const pairs = Number(process.argv[2] ?? 16)
const kind = process.argv[3] ?? 'async'
const ticking = fileURLToPath(new URL('ticking.mjs', import.meta.url))

printMachine()
const ratios: number[] = []
while (ratios.length < pairs) {
  const core = ratios.length % 2
  const [ours, bare] = await Promise.all([cpuOfARun('runutil', core), cpuOfARun('setInterval', 1 - core)])
  ratios.push(ours / bare)
  process.stderr.write(`${ratios.length}: ${(ours / bare).toFixed(2)}\n`)
}
const least = Math.min(...ratios)
const most = Math.max(...ratios)
console.log(
  `CPU time of a run, runutil to setInterval, median of ${pairs} pairs: ${median(ratios).toFixed(2)} ` +
    `(${least.toFixed(2)} to ${most.toFixed(2)})`,
)

async function cpuOfARun(contender: string, core: number): Promise<number> {
  const args = ['-c', `${core}`, process.execPath, ticking, contender, kind, '1000', '10', '3000', '5000']
  const { stdout } = await promisify(execFile)('taskset', args)
  const { ticks, cpuMs } = JSON.parse(stdout) as { ticks: number; cpuMs: number }
  return cpuMs / ticks
}
