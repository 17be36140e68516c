import type { Clock } from '../../core/clock.ts'
import type { ServerFacts } from '../doctor/check.ts'
import { processFacts } from '../doctor/doctor.ts'
import type { Finding } from '../doctor/finding.ts'
import type { OpsOptions } from '../ops-options.ts'
import type { Aged } from './read-model.ts'
import { SharedQuery } from './shared-query.ts'

/** Each check has 5 s, and they go on at the same time. */
const LIMIT_MS = 8_000

export interface DoctorViewProps extends Pick<
  OpsOptions,
  'runtime' | 'database' | 'queue' | 'leases' | 'replicas'
> {
  readonly server?: (() => ServerFacts) | undefined
  /** That of the run. */
  readonly clock: Clock
}

/** What the doctor finds. */
export class DoctorView {
  readonly #query: SharedQuery<Finding[]>

  constructor({ runtime, database, queue, leases, replicas, server, clock }: DoctorViewProps) {
    const query = async (): Promise<Finding[]> => {
      // Programs that are never examined don't load it.
      const { examine } = await import('../doctor/examine.ts')
      const subjects = { runtime, database, queue, leases, replicas, server: server?.() }
      return examine({ ...subjects, process: processFacts(), clock })
    }
    this.#query = new SharedQuery({ clock, what: 'doctor', query, limitMs: LIMIT_MS })
  }

  /** To be called when anything that it looks at has changed. */
  outdate(): void {
    this.#query.outdate()
  }

  async findings(): Promise<Aged & { findings: readonly Finding[] }> {
    const { value, at, ageMs } = await this.#query.ask()
    return { at, ageMs, findings: value }
  }
}
