import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe } from '../core/describe.ts'
import { InvalidArgumentError } from '../core/errors.ts'
import { type Command, checkCommand } from './worker/spawn.ts'

/** The command that starts a worker, from the option that is given. @throws InvalidArgumentError */
export function commandOf({ command, module }: { command?: unknown; module?: unknown }): Command {
  if (module === undefined) {
    checkCommand(command)
    return command
  }
  if (command !== undefined) throw wrong('command', 'none beside module', command)
  if (!(module instanceof URL) && (typeof module !== 'string' || module === '')) {
    throw wrong('module', 'a file URL or a path', module)
  }
  const path = pathOf(module)
  const file = fileFor(path)
  if (file === undefined) {
    const other = typeScriptOf(path)
    throw wrong('module', `a file that is there${other === path ? '' : `, or ${other}`}`, path)
  }
  return [process.execPath, ...nodeOptions(file), file]
}

/** Node options to run a file as this process runs its own. @throws InvalidArgumentError when this Node can't run it */
function nodeOptions(file: string): string[] {
  const inherited = inheritable(process.execArgv)
  if (!/\.[cm]?ts$/.test(file) || canLoadTypeScript()) return inherited
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  // No option is needed where Node runs TypeScript by default; the option exists since Node 22.6.
  if ((process.features as { typescript?: unknown }).typescript) return inherited
  if (major > 22 || (major === 22 && minor >= 6)) return [...inherited, '--experimental-strip-types']
  throw new InvalidArgumentError(
    `ProcessPool: module: Node ${process.versions.node} doesn't run TypeScript, and there is only ${file}: build it, or start this program with a loader, as in node --import tsx main.ts`,
  )
}

/** Whether this process was started with a TypeScript loader, which its children inherit. */
function canLoadTypeScript(): boolean {
  const given = [...process.execArgv, ...(process.env['NODE_OPTIONS'] ?? '').split(/\s+/)]
  return given.some((arg) => LOADS.test(arg))
}

const LOADS =
  /^(--import|--loader|--experimental-loader|--require|-r|--experimental-strip-types|--experimental-transform-types)(=|$)/

/** The arguments without those for this process alone: a debugger's port, an inline script, watch mode, a test run. */
function inheritable(args: readonly string[]): string[] {
  const kept: string[] = []
  for (let at = 0; at < args.length; at++) {
    const arg = args[at]!
    if (OWN_WITH_VALUE.test(arg)) at++
    else if (!OWN.test(arg)) kept.push(arg)
  }
  return kept
}

const OWN_WITH_VALUE = /^(-e|--eval|-p|--print|-pe)$/
const OWN = /^(--inspect|--watch|--test|--input-type|--eval=|--print=|-i$|--interactive|--check|-c$)/

function pathOf(module: URL | string): string {
  if (typeof module === 'string' && !module.startsWith('file:')) return module
  return fileURLToPath(module)
}

function fileFor(path: string): string | undefined {
  return [path, typeScriptOf(path)].find((file) => existsSync(file))
}

/** The TypeScript source of a build output. */
function typeScriptOf(path: string): string {
  return path.replace(/\.([cm]?)js$/, '.$1ts')
}

function wrong(option: string, expected: string, got: unknown): InvalidArgumentError {
  return new InvalidArgumentError(`ProcessPool: ${option}: expected ${expected}; got ${describe(got)}`)
}
