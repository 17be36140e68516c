// Chaos, with exact accounting: see chaos.ts. `--jobs 2000 --kills 20 --workers 4 --seed 7 --timeout 120 --failovers 3 --without silence`
import { runChaos } from './chaos.ts'
import { parseOptions } from './options.ts'

// A default end by a signal would leave workers behind.
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => process.exit(130))
process.exitCode = (await runChaos(parseOptions(process.argv.slice(2)))) ? 0 : 1
