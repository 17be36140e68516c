import { readFile, realpath } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { codeOf } from '../../core/thrown.ts'

/** One copy of a package, as others find it. */
export interface InstalledCopy {
  readonly name: string
  readonly version: string
  readonly folder: string
  /** The packages that use it. */
  readonly users: readonly string[]
}

/** The package of a program. */
export interface Program {
  readonly root: string
  /** The names of the packages that it depends on itself. */
  readonly dependencies: readonly string[]
}

interface Manifest {
  readonly name?: string
  readonly version?: string
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
}

/** So many packages are looked at; what lies beyond is rarely what crosses a program's boundaries. */
const MOST_PACKAGES = 2_000

/**
 * Which copies of these packages a program reaches, as Node resolves them: from its own package on, through what each one depends on.
 * Undefined where there is no package.json, as beside a bundle.
 */
export async function installedCopies(
  folder: string,
  names: readonly string[],
): Promise<InstalledCopy[] | undefined> {
  const root = await packageAround(folder)
  if (root === undefined) return undefined
  const found = new Map<string, { name: string; version: string; users: Set<string> }>()
  const seen = new Set([root])
  const waiting = [root]
  for (let at = 0; at < waiting.length && at < MOST_PACKAGES; at++) {
    const user = waiting[at]!
    const manifest = await manifestIn(user)
    for (const name of dependenciesOf(manifest ?? {})) {
      const folder = await resolved(name, user)
      if (folder === undefined) continue
      if (!seen.has(folder)) waiting.push(folder)
      seen.add(folder)
      if (!names.includes(name)) continue
      const version = (await manifestIn(folder))?.version ?? '?'
      const copy = found.get(folder) ?? { name, version, users: new Set() }
      copy.users.add(user === root ? '' : (manifest?.name ?? user))
      found.set(folder, copy)
    }
  }
  return Array.from(found, ([folder, { users, ...copy }]) => ({ ...copy, folder, users: [...users] }))
}

/** Undefined where there is no package.json, as beside a bundle. */
export async function programAround(folder: string): Promise<Program | undefined> {
  const root = await packageAround(folder)
  return root === undefined
    ? undefined
    : { root, dependencies: dependenciesOf((await manifestIn(root)) ?? {}) }
}

function dependenciesOf({ dependencies, optionalDependencies, peerDependencies }: Manifest): string[] {
  return [
    ...new Set(
      [dependencies, optionalDependencies, peerDependencies].flatMap((all) => Object.keys(all ?? {})),
    ),
  ]
}

async function packageAround(folder: string): Promise<string | undefined> {
  for (const outer of foldersAround(await realpath(folder).catch(() => folder))) {
    if ((await manifestIn(outer)) !== undefined) return outer
  }
  return undefined
}

/** The folder that Node finds for a package, without the links that lead to it. */
async function resolved(name: string, from: string): Promise<string | undefined> {
  for (const outer of foldersAround(from)) {
    const folder = join(outer, 'node_modules', name)
    if ((await manifestIn(folder)) !== undefined) return realpath(folder)
  }
  return undefined
}

function foldersAround(folder: string): string[] {
  const outer = dirname(folder)
  return outer === folder ? [folder] : [folder, ...foldersAround(outer)]
}

async function manifestIn(folder: string): Promise<Manifest | undefined> {
  try {
    return JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as Manifest
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR' || error instanceof SyntaxError)
      return undefined
    throw error
  }
}
