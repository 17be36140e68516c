// Reads a ledger: replay.mjs <file>. Prints how long that took, and how much memory at most.
import { JsonLinesActionLedger } from 'runutil/dispatch'

const ledger = new JsonLinesActionLedger(process.argv[2])
const begin = performance.now()
await ledger.get('')
const seconds = (performance.now() - begin) / 1_000
console.log(JSON.stringify({ seconds, megabytes: process.resourceUsage().maxRSS / 1_024 }))
await ledger.close()
