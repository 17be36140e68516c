// The chaos of the tests, with big numbers: 100,000 jobs, 1,000 kills, and the other disturbances in proportion.
// `--jobs`, `--kills`, `--workers`, `--seed`, `--timeout` in seconds, `--failovers`, `--without silence,poison`.
import { runChaos } from '../../../../test/chaos/chaos.ts'
import { parseOptions } from '../../../../test/chaos/options.ts'

const options = parseOptions(process.argv.slice(2), { jobs: 100_000, kills: 1_000, workers: 4 })
process.exitCode = (await runChaos(options)) ? 0 : 1
