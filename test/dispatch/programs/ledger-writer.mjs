// Creates and changes actions in a file until it is killed: ledger-writer.mjs <file> <prefix>. Prints the id of each that
// is acknowledged, twice when its change is too.
import { writeSync } from 'node:fs'
import { JsonLinesActionLedger } from 'runutil/dispatch'

const [file, prefix] = process.argv.slice(2)
const ledger = new JsonLinesActionLedger(file)
let count = 0

async function write() {
  for (;;) {
    const id = `${prefix}-${++count}`
    const input = { text: 'x'.repeat(Math.floor(Math.random() * 20_000)) }
    const record = {
      id,
      operation: 'o',
      host: 'h',
      target: 't',
      input,
      status: 'running',
      createdAt: 1,
      updatedAt: 1,
    }
    await ledger.create(record)
    writeSync(1, `${id}\n`)
    await ledger.update({ id, status: 'succeeded', updatedAt: 2 })
    writeSync(1, `${id}\n`)
  }
}

await Promise.all(Array.from({ length: 8 }, write))
