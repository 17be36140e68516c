import type { LeasedJob } from '../../queue/job.ts'
import { type ClaimedRow, toLeasedJob } from './job-rows.ts'

/** New jobs of one call, of which a claim returns one row. */
type PackedRow = [
  id: null,
  row: string,
  kind: string,
  priority: number,
  runAt: string | number | bigint,
  claim: string | number | bigint,
  count: number,
  attemptsDone: number,
  createdAt: string | number | bigint,
  updatedAt: string | number | bigint,
  lastAttemptAt: null,
  lastError: null,
  payloads: string,
  ids: string,
  firstPlace: number,
]

/** The jobs of a claim, in its order. */
export function claimedJobs(rows: readonly (ClaimedRow | PackedRow)[]): LeasedJob[] {
  const jobs: LeasedJob[] = []
  for (const row of rows) {
    if (isPacked(row)) unpack(row, jobs)
    else jobs.push(toLeasedJob(row))
  }
  return jobs
}

function isPacked(row: ClaimedRow | PackedRow): row is PackedRow {
  return row[0] === null
}

/** They are new and small, or they would not be packed: all but ids, payloads and places is the same. */
function unpack(row: PackedRow, jobs: LeasedJob[]): void {
  const kind = row[2]
  const at = Number(row[4])
  const claim = Number(row[5])
  const firstPlace = row[14]
  const ids = JSON.parse(row[13]) as string[]
  const payloads = JSON.parse(`[${row[12]}]`) as unknown[]
  for (let nth = 0; nth < ids.length; nth++) {
    jobs.push({
      id: ids[nth]!,
      kind,
      runAt: new Date(at),
      payload: payloads[nth],
      status: 'PENDING',
      createdAt: new Date(at),
      updatedAt: new Date(at),
      attemptsDone: 0,
      claim,
      attempt: 1,
      priority: 0,
      crashes: 0,
      place: firstPlace + nth,
    })
  }
}
