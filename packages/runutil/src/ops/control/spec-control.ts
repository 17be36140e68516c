import type { Coordinate, WorkSpec, WorkUnitQuery } from '../../coordinate/model.ts'
import { checkOptions } from '../../core/options.ts'
import { codeOf } from '../../core/thrown.ts'
import type { Done } from './control.ts'
import { OpsError } from '../ops-error.ts'

/** What a call to retry units says, as it came. */
interface RetryAsked {
  units?: WorkUnitQuery
}

/**
 * Pauses or resumes a spec, for all processes, or retries its failed units.
 *
 * @param path 'namespace/name', with or without a leading slash
 * @param asked for 'retry': `{ units? }`, of which only the failed ones are retried
 * @throws OpsError; InvalidArgumentError
 */
export async function controlSpec(
  coordinate: Coordinate,
  path: string,
  verb: 'pause' | 'resume' | 'retry',
  asked: unknown,
): Promise<Done> {
  if (verb === 'retry') {
    const { units = {} } = checkOptions('retry', (asked ?? {}) as RetryAsked, ['units'])
    const query = checkOptions('retry: units', units, ['names', 'statuses', 'previousName', 'limit'])
    const retried = await (await specAt(coordinate, path)).retryWorkUnits(query)
    return { status: 200, body: { spec: path, retried } }
  }
  const paused = verb === 'pause'
  await (await specAt(coordinate, path)).setMeta({ paused })
  return { status: 200, body: { spec: path, paused } }
}

async function specAt(coordinate: Coordinate, path: string): Promise<WorkSpec> {
  const spec = await specNamed(coordinate, path)
  if (spec !== undefined) return spec
  // Of the namespace without a name, 'namespace/name' begins with a slash, too.
  const rest = path.startsWith('/') ? await specNamed(coordinate, path.slice(1)) : undefined
  if (rest !== undefined) return rest
  throw new OpsError(404, 'not-found', `there is no work spec '${path}'; expected namespace/name`)
}

/** Both names may contain slashes, and that of a namespace may be empty. Asking for a namespace that isn't there would create it. */
async function specNamed(coordinate: Coordinate, path: string): Promise<WorkSpec | undefined> {
  for (const [name, namespace] of await coordinate.namespaces()) {
    const prefix = name === '' ? '' : `${name}/`
    if (!path.startsWith(prefix)) continue
    try {
      return await namespace.workSpec(path.slice(prefix.length))
    } catch (error) {
      if (codeOf(error) !== 'ERR_NO_SUCH_WORK_SPEC') throw error
    }
  }
  return undefined
}
