// The queue's benchmarks against other libraries, on one PostgreSQL server. What each contender is set to, and why,
// stands in its module. `--once` runs each once and small, to see that it runs; other flags: settings.ts.
import { printMachine } from '../table.ts'
import { LastingBench, type Prepare, besideTransaction, freshBench, withHistory } from './benches.ts'
import type { Bench } from './cases.ts'
import { columnsOf } from './columns.ts'
import { CONTENDERS, type ContenderName } from './contenders.ts'
import { printFeatures } from './features.ts'
import { printKinds, printLimits, printProcesses } from './limits.ts'
import { printMemory, printPglite } from './own.ts'
import { Programs } from './program.ts'
import { compare } from './report.ts'
import { type Own, type Part, settings } from './settings.ts'
import { Stores } from './stores.ts'

const given = settings()
const programs = await Programs.on(given.once ? 'this' : 'npm')
const stores = await Stores.start(programs)
const contenders = given.contenders.filter((name) => stores.has(name))
const fresh = freshBench({ programs, stores, scale: given.scale })

const prepares: Partial<Record<Part, Prepare>> = { history: withHistory(1_000_000), held: besideTransaction }

printMachine()
console.log(`Programs on Node ${programs.version}; ${given.rounds} rounds; sizes × ${given.scale}.\n`)
try {
  for (const part of given.parts) await run(part)
} finally {
  await stores.stop()
}

async function run(part: Part): Promise<void> {
  if (part === 'pglite') return printPglite(fresh, given.rounds)
  if (part === 'memory') return printMemory(fresh)
  if (part === 'limits') return printLimits(fresh, given.rounds)
  if (part === 'processes') return printProcesses(fresh, given.rounds)
  if (part === 'kinds') return printKinds(fresh)
  if (part === 'features') return printFeatures(fresh, given.rounds)
  const prepare = prepares[part]
  if (prepare === undefined) return runOn(fresh, part)
  const bench = new LastingBench({ programs, stores, scale: given.scale }, prepare)
  await runOn(bench, part)
  await bench.remove()
}

async function runOn(bench: Bench, part: Exclude<Part, Own>): Promise<void> {
  const { once, rounds } = given
  // CI has little time: one column a table, and a history for runutil alone.
  const some = once && part === 'history' ? contenders.slice(0, 1) : contenders.filter(takesPartIn(part))
  for (const { title, columns, digits } of columnsOf[part]) {
    const all = Object.entries(columns)
    await compare(title, bench, { contenders: some, rounds }, once ? all.slice(0, 1) : all, digits)
  }
}

/** Redis has no transaction that could stay open. */
function takesPartIn(part: Part): (contender: ContenderName) => boolean {
  return (contender) => part !== 'held' || CONTENDERS[contender].store === 'postgres'
}
