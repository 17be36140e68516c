import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const inRoot = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url))

/** What a row names: a test's file, and words of its title. */
interface Reference {
  readonly file: string
  readonly words: string
}

const rows = readFileSync(inRoot('docs/guarantees.md'), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| ') && !/^\| (---|guarantee )/.test(line))
  .map((line) => line.split('|').map((cell) => cell.trim()))

const references: Reference[] = rows.flatMap(([, , tested]) =>
  tested!.split('; ').map((part) => {
    const [, file, words] = /^`([^`]+)`: (.+)$/.exec(part) ?? []
    return { file: file!, words: words! }
  }),
)

it('each guarantee names a test', () => {
  expect(rows.length).toBeGreaterThan(20)
  expect(rows.filter((row) => row.length !== 5)).toEqual([])
})

it.each(references)('$file has a test about: $words', ({ file, words }) => {
  const path = file.includes('/') ? file : `packages/runutil/src/testing/${file}`
  expect(existsSync(inRoot(path))).toBe(true)
  expect(readFileSync(inRoot(path), 'utf8')).toContain(words)
})
