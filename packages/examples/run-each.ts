// Runs each example once and shows what it prints; ends with 1 when one fails. `pnpm run examples`, for CI.
import { spawnSync } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const source = fileURLToPath(new URL('src/', import.meta.url))
// A file that says at its top what it prints is an example.
const examples = readdirSync(source)
  .filter((file) => file.endsWith('.ts') && readFileSync(source + file, 'utf8').includes('\n// prints:\n'))
  .map((file) => [file])
const watchers = [
  ['repo-watch/main.ts', '--for', '2s', '--every', '500ms'],
  ['ops/main.ts', '--for', '2s'],
]

for (const [file, ...args] of [...examples, ...watchers]) {
  console.log(`\n— ${file}`)
  // execArgv loads tsx, as it was loaded for this program. The other doesn't compile WebAssembly twice, which takes longer than an example.
  const nodeArgs = [...process.execArgv, '--liftoff-only']
  const { status } = spawnSync(process.execPath, [...nodeArgs, source + file, ...args], {
    stdio: 'inherit',
  })
  if (status !== 0) {
    console.error(`${file} exited with code ${status}`)
    process.exitCode = 1
  }
}
