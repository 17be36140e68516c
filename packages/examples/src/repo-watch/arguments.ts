import { parseArgs } from 'node:util'
import { type Duration, StaticBackoff, errorIs, InvalidDurationError } from 'runutil'
import { StartError } from './start-error.ts'

export interface Arguments {
  /** Where the repository is; undefined: around the current folder. */
  path: string | undefined
  every: Duration
  /** How long to watch; undefined: until a signal. */
  stopAfter: Duration | undefined
  /** Show each worker, not only how many there are. */
  verbose: boolean
}

/** Wrong arguments; the message shows the usage. */
export class UsageError extends StartError {
  override readonly code = 'ERR_USAGE'
  constructor(problem: string) {
    super(`${problem}\n${USAGE}`)
  }
}

const USAGE = `
usage: pnpm start [--every 5s] [--for 10s] [--verbose] [path]

  path       a folder in a git repository; default: the current one
  --every    how often to look
  --for      how long to watch; default: until Ctrl-C
  --verbose  show the tree of all workers

Commits are stored in the folder .runutil, or on the PostgreSQL server of DATABASE_URL.`

/** @throws UsageError */
export function readArguments(args: string[]): Arguments {
  const { values, positionals } = parse(args)
  if (positionals.length > 1) throw new UsageError(`expected one path; got ${positionals.join(' ')}`)
  return {
    path: positionals[0],
    every: durationOf('--every', values.every ?? '5s'),
    stopAfter: values.for === undefined ? undefined : durationOf('--for', values.for),
    verbose: values.verbose ?? false,
  }
}

function parse(args: string[]) {
  const options = {
    every: { type: 'string' },
    for: { type: 'string' },
    verbose: { type: 'boolean' },
  } as const
  try {
    // `npm start -- --for 10s` and older pnpm pass the dashes on.
    const given = args[0] === '--' ? args.slice(1) : args
    return parseArgs({ args: given, options, allowPositionals: true })
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

function durationOf(option: string, text: string): Duration {
  try {
    if (new StaticBackoff(text).sleepMs > 0) return text
  } catch (error) {
    if (!errorIs(error, InvalidDurationError)) throw error
  }
  throw new UsageError(`${option}: expected a time such as 500ms, 5s or 1m; got '${text}'`)
}
