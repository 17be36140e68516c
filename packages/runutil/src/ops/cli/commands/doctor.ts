import { PostgresJobStore } from '../../../postgres/queue/postgres-job-store.ts'
import { PostgresLeaseStore } from '../../../postgres/leases/postgres-lease-store.ts'
import { PostgresDiagnosis } from '../../../postgres/ops/postgres-diagnosis.ts'
import { PostgresReplicaStore } from '../../../postgres/ops/postgres-replica-store.ts'
import { JobQueue } from '../../../queue/job-queue.ts'
import { processFacts } from '../../doctor/doctor.ts'
import { examine } from '../../doctor/examine.ts'
import type { Finding } from '../../doctor/finding.ts'
import type { Aged } from '../../views/read-model.ts'
import type { Call, CliCommand } from '../command.ts'
import type { Output } from '../text/output.ts'
import { printable } from '../text/printable.ts'
import { toneOf } from '../text/style.ts'
import { DATABASE_OPTIONS, withDatabase } from '../with-database.ts'

interface Findings extends Aged {
  readonly findings: readonly Finding[]
}

export const DOCTOR: CliCommand = {
  usage: 'doctor',
  about: 'looks for what commonly goes wrong; exit code 1 if something does',
  options: DATABASE_OPTIONS,
  more: 'With --database it examines the database and this folder, else a running process and all that it uses.',
  run: async (call) => {
    const isDatabase = call.options.text('database') !== undefined
    const found = isDatabase ? await examined(call) : await call.api.get<Findings>('doctor')
    if (call.isJson) call.output.json(found)
    else show(found.findings, call.output)
    return found.findings.some(({ level }) => level === 'fail') ? 1 : 0
  },
}

function examined(call: Call): Promise<Findings> {
  const { clock } = call.terminal
  return withDatabase(call, async (database, schema) => {
    const findings = await examine({
      database: new PostgresDiagnosis(database, schema),
      queue: new JobQueue(new PostgresJobStore(database, schema)),
      leases: new PostgresLeaseStore(database, schema),
      replicas: new PostgresReplicaStore(database, schema),
      // That of this program is where it is installed; what the other one is made of, only its folder tells.
      process: { ...processFacts(), folder: process.cwd(), hasClasses: true },
      clock,
    })
    return { at: new Date(clock.now()).toISOString(), ageMs: 0, findings }
  })
}

const LEVELS = ['fail', 'warn', 'ok']

/** The worst first. What several checks found, such as that the database is away, is told once. */
function show(findings: readonly Finding[], output: Output): void {
  const width = Math.max(0, ...findings.map(({ check }) => check.length))
  const said = new Set<string>()
  for (const one of LEVELS) {
    for (const { check, level, found, hint } of findings) {
      if (level !== one) continue
      const isRepeated = hint !== undefined && said.has(`${found}\n${hint}`)
      const text = isRepeated ? 'the same' : printable(found)
      output.line(`${output.style(toneOf(level), level.padEnd(4))}  ${check.padEnd(width)}  ${text}`)
      if (hint === undefined || isRepeated) continue
      said.add(`${found}\n${hint}`)
      output.line(`${' '.repeat(width + 8)}→ ${printable(hint)}`)
    }
  }
}
