// Asks for an address once for each line of its input, and says when it has the whole answer: scraper.ts <url>
import { createInterface } from 'node:readline'

createInterface({ input: process.stdin }).on('line', () => void scrape())

async function scrape(): Promise<void> {
  const answer = await fetch(process.argv[2]!)
  if (!answer.ok) throw new Error(`${answer.status}: ${await answer.text()}`)
  await answer.arrayBuffer()
  console.log('done')
}
