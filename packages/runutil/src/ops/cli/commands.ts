import type { CliCommand } from './command.ts'
import { CRON } from './commands/cron.ts'
import { DOCTOR } from './commands/doctor.ts'
import { ENQUEUE } from './commands/enqueue.ts'
import { JOB_CHANGES } from './commands/job-changes.ts'
import { JOB } from './commands/job.ts'
import { JOBS } from './commands/jobs.ts'
import { KINDS } from './commands/kinds.ts'
import { MIGRATE } from './commands/migrate.ts'
import { PS } from './commands/ps.ts'
import { STEERING } from './commands/steering.ts'
import { TOP } from './top/top.ts'

/** In the order of the help. */
export const COMMANDS: readonly CliCommand[] = [
  TOP,
  PS,
  KINDS,
  JOBS,
  JOB,
  ENQUEUE,
  ...JOB_CHANGES,
  ...STEERING,
  DOCTOR,
  MIGRATE,
  CRON,
]
