import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Check } from './check.ts'
import { type Verdict, counted, fail, ok, some, warn } from './finding.ts'
import { type InstalledCopy, installedCopies, programAround } from './installed-packages.ts'

/** Instances of what these make go from one package to another. */
const SHARED = ['runutil', 'tsyringe', 'pino']

export const PROCESS_CHECKS: readonly Check[] = [
  { name: 'node', examine: ({ process }) => judgeNode(process.nodeVersion) },
  {
    name: 'copies',
    examine: async ({ process }) => {
      const copies = await installedCopies(process.folder, SHARED)
      return copies && judgeCopies(copies)
    },
  },
  {
    name: 'decorators',
    examine: async ({ process }) => {
      if (!process.hasClasses) return undefined
      const program = await programAround(process.folder)
      if (program?.dependencies.includes('tsyringe') !== true) return undefined
      const config = await readFile(join(program.root, 'tsconfig.json'), 'utf8').catch(() => '')
      return judgeDecorators({ config, nodeOptions: process.nodeOptions })
    },
  },
]

/** @param version '22.1.0' */
export function judgeNode(version: string): Verdict {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major < 20 || (major === 20 && minor < 19)) {
    return fail(`Node ${version}`, 'runutil needs Node 20.19 or newer')
  }
  if (major % 2 === 1) {
    return warn(
      `Node ${version}, of a line without long-term support`,
      `use Node ${major - 1} or ${major + 1}: odd lines end after half a year`,
    )
  }
  return ok(`Node ${version}`)
}

/** A copy that only one library uses for itself harms nobody; two of runutil do, and others where the program meets runutil. */
export function judgeCopies(copies: readonly InstalledCopy[]): Verdict {
  const doubled = SHARED.flatMap((name) => {
    const its = copies.filter((copy) => copy.name === name)
    const meeting = its.filter(
      ({ users }) => name === 'runutil' || users.some((user) => ['', 'runutil'].includes(user)),
    )
    return meeting.length > 1 ? [meeting.map(({ version, folder }) => `${name} ${version} in ${folder}`)] : []
  })
  if (doubled.length === 0) return ok('one copy of each shared package')
  return warn(
    `${counted(doubled.length, 'package')} more than once: ${some(doubled.flat())}`,
    'let all dependents agree on a version, with npm dedupe, pnpm dedupe or overrides: objects of one copy are strange to the other',
  )
}

export interface DecoratorFacts {
  /** The text of tsconfig.json; '' where there is none. */
  readonly config: string
  readonly nodeOptions: readonly string[]
}

export function judgeDecorators({ config, nodeOptions }: DecoratorFacts): Verdict {
  const tool = nodeOptions.join(' ').match(/\b(tsx|esbuild\b|strip-types)/)?.[0]
  const hint =
    'name the constructor parameters of classes by tokens, or let tsc compile with emitDecoratorMetadata'
  if (tool !== undefined) return warn(`the program runs by ${tool}, which emits no decorator metadata`, hint)
  const isSet = (name: string): boolean => new RegExp(`"${name}"\\s*:\\s*true`).test(config)
  if (isSet('experimentalDecorators') && !isSet('emitDecoratorMetadata') && !config.includes('"extends"')) {
    return warn('tsconfig.json has experimentalDecorators without emitDecoratorMetadata', hint)
  }
  return ok('nothing that leaves out decorator metadata')
}
