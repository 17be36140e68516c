import { dirname } from 'node:path'
import { currentClock } from '../../core/context.ts'
import { decoratedWorkers } from '../../core/worker-registry.ts'
import { currentRuntime } from '../../runtime/runtime.ts'
import type { OpsOptions } from '../ops-options.ts'
import { isOpen, resolveSettings } from '../settings.ts'
import type { ProcessFacts } from './check.ts'
import type { Finding } from './finding.ts'

/**
 * Looks for what commonly goes wrong with a program of runutil and its database: once, without changing anything.
 *
 * Takes the options of the OpsServer. A check whose subject isn't given is left out; one that fails, or takes longer than 5 s, is a
 * finding of level 'warn'. Whether a proxy is in front, only the OpsServer itself can tell, in its `/api/v1/doctor`.
 *
 * @throws InvalidArgumentError
 *
 * @example
 * const findings = await doctor({ queue, database: new PostgresDiagnosis(database) })
 * for (const { check, level, found, hint } of findings) if (level !== 'ok') console.log(level, check, found, hint)
 */
export async function doctor(options: OpsOptions = {}): Promise<Finding[]> {
  const settings = resolveSettings(options, process.env, 'doctor')
  const { runtime = currentRuntime(), database, queue, leases, replicas } = options
  const isServed = SERVED.some((name) => options[name] !== undefined)
  const subjects = {
    runtime,
    database,
    queue,
    leases,
    replicas,
    ...(isServed && { server: { isOpen: isOpen(settings) } }),
  }
  // Programs that are never examined don't load it.
  const { examine } = await import('./examine.ts')
  return examine({ ...subjects, process: processFacts(), clock: currentClock() })
}

/** Options that tell how an OpsServer may be reached. */
const SERVED = ['host', 'port', 'basePath', 'token', 'readToken', 'authorize'] as const

export function processFacts(): ProcessFacts {
  const [, program] = process.argv
  return {
    nodeVersion: process.versions.node,
    isProduction: process.env.NODE_ENV === 'production',
    folder: program === undefined ? process.cwd() : dirname(program),
    nodeOptions: [...process.execArgv, process.env['NODE_OPTIONS'] ?? ''],
    hasClasses: decoratedWorkers().size > 0,
  }
}
