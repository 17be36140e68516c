import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ProcessPoolOptions } from 'runutil/pool'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { node, withPool } from '../support/pool/pools.ts'

let folder: string

beforeAll(() => (folder = realpathSync(mkdtempSync(join(tmpdir(), 'links-')))))
afterAll(() => rmSync(folder, { recursive: true }))

/** A package that is installed as pnpm installs it: a link to where it is. */
function linkedPackage(name: string): { find: () => string; place: string } {
  const place = join(folder, 'store', `${name}.cjs`)
  const link = join(folder, 'node_modules', `${name}.cjs`)
  for (const path of ['store', 'node_modules']) mkdirSync(join(folder, path), { recursive: true })
  writeFileSync(place, '')
  symlinkSync(place, link)
  return { find: () => createRequire(join(folder, 'main.cjs')).resolve(`${name}.cjs`), place }
}

test.each<[what: string, options: Partial<ProcessPoolOptions>]>([
  ['inherited', {}],
  ['over unix', { relay: { socket: 'unix' } }],
  ['over tcp', { relay: { socket: 'tcp' } }],
])('a relay %s leaves Node able to tell a linked package from its link', async (what, options) => {
  // Node remembers the folders above from here on, and looks at nothing but the link below.
  const before = linkedPackage(`before-${what.replace(' ', '-')}`)
  expect(before.find()).toBe(before.place)
  const started = linkedPackage(`started-${what.replace(' ', '-')}`)
  const ended = linkedPackage(`ended-${what.replace(' ', '-')}`)
  await withPool({ command: node, ...options }, () => {
    expect(started.find()).toBe(started.place)
    return Promise.resolve()
  })
  expect(ended.find()).toBe(ended.place)
})
