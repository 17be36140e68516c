import { readFile, readdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { expect, it } from 'vitest'

const page = fileURLToPath(new URL('../../packages/runutil/prepared/page', import.meta.url))
const MOST_BYTES = 50_000

it(`the page is less than ${MOST_BYTES} bytes in all, compressed`, async () => {
  const names = await readdir(page)
  expect(names.sort()).toEqual(['icon.svg', 'index.html', 'page.css', 'page.js'])
  const contents = await Promise.all(names.map((name) => readFile(`${page}/${name}`)))
  const size = contents.reduce((sum, content) => sum + gzipSync(content, { level: 9 }).length, 0)
  expect(size).toBeLessThan(MOST_BYTES)
  // Less would be a sign that something is missing.
  expect(size).toBeGreaterThan(10_000)
})
