import { LONGEST_SUMMARY_ERROR } from '../../queue/job.ts'
import { EQ, TEXT, TEXTS, msOf } from '../database/qualified.ts'
import type { StatementText } from '../statements/schema-queries.ts'

const SETTLEMENTS = /* sql */ `$1::${TEXTS}, $2::${TEXT}::bigint[], $3::${TEXTS}, $4::${TEXTS},
        $5::${TEXTS}, $6::${TEXT}::double precision[], $7::${TEXT}::double precision[], $8::${TEXT}::boolean[], $9::${TEXT}::boolean[],
        $10::${TEXT}::integer[], $11::${TEXT}::bigint[], $12::double precision`

/** What `SummaryRow` describes. @param lastError an expression */
const summaryColumns = (
  s: string,
  lastError: string,
): string => /* sql */ `j.id, j.kind, j.status, j.attempts_done,
        ${msOf('j.run_at')}, ${msOf('j.created_at')}, ${msOf('j.updated_at')}, ${msOf('j.last_attempt_at')}, ${lastError},
        j.priority, j.key,
        pg_catalog.to_json(j.after)::${TEXT}, case when j.after is not null and j.status ${EQ} 'PENDING' then
          pg_catalog.to_json(array(select d.dependency from ${s}.job_dependencies as d
          where d.dependency ${EQ} any (j.after) and d.dependent ${EQ} j.id and not d.satisfied
          and not exists (select from ${s}.jobs as o where o.id ${EQ} d.dependency and o.status ${EQ} 'DONE')
          order by pg_catalog.array_position(j.after, d.dependency)))::${TEXT} end,
        (select p.progress::${TEXT} from ${s}.job_progress as p where p.id ${EQ} j.id and p.seq ${EQ} j.seq),
        j.unique_key, j.links`

/** What `JobRow` describes. */
const jobColumns = (s: string): string =>
  `${summaryColumns(s, 'j.last_error')}, j.payload::${TEXT}, j.result::${TEXT}, j.errors::${TEXT}, j.traceparent`

export type JobStatements = ReturnType<typeof jobStatements>

/**
 * How each function of the queue is called. Arrays are sent as text, which every driver passes on unchanged.
 *
 * @param s the quoted schema
 */
export function jobStatements(s: string) {
  const call = (text: string): StatementText => ({ text })
  const loop = (text: string): StatementText => ({ text, repeats: true })
  const enqueue = /* sql */ `select ${s}.enqueue_jobs($1::${TEXTS}, $2::${TEXTS}, $3::${TEXTS}, $4::${TEXT}::double precision[],
        $5::${TEXT}::integer[], $6::${TEXTS}, $7::${TEXT}::integer[], $8::${TEXT}::double precision[],
        $9::double precision, $10::${TEXT}, $11::${TEXT}`
  const enqueueLinked = /* sql */ `select ${s}.enqueue_linked_jobs($1::${TEXTS}, $2::${TEXTS}, $3::${TEXTS}, $4::${TEXT}::double precision[],
        $5::${TEXT}::integer[], $6::${TEXTS}, $7::${TEXT}::integer[], $8::${TEXT}::double precision[], $9::${TEXTS},
        $10::${TEXT}::boolean[], $11::${TEXTS}, $12::${TEXT}::double precision[], $13::${TEXTS}, $14::${TEXTS},
        $15::${TEXT}::boolean[], $16::boolean, $17::boolean, $18::double precision, $19::${TEXT}, $20::${TEXT}`
  return {
    enqueue: call(/* sql */ `${enqueue}) as taken`),
    // Apart, since a parameter costs those calls too that have no traceparents.
    enqueueTraced: call(/* sql */ `${enqueue}, $12::${TEXTS}) as taken`),
    enqueueLinked: call(/* sql */ `${enqueueLinked}) as others`),
    enqueueLinkedTraced: call(/* sql */ `${enqueueLinked}, $21::${TEXTS}) as others`),
    block: call(
      /* sql */ `select id from pg_catalog.unnest(${s}.block_jobs($1::${TEXTS}, ${s}.store_time($2::double precision))) as unknown (id)`,
    ),
    claim:
      loop(/* sql */ `select * from ${s}.claim_jobs($1::${TEXTS}, $2::integer, $3::double precision, $4::boolean, $5::double precision, $6::double precision,
        $7::${TEXTS}, $8::${TEXT}::integer[], $9::${TEXT}::double precision[], $10::${TEXT}, $11::integer,
        $12::${TEXT}::bigint[], $13::integer, $14::boolean, $15::double precision, $16::boolean,
        $17::integer, $18::double precision)`),
    settle: loop(/* sql */ `select ${s}.settle_jobs(${SETTLEMENTS}) as lost`),
    settleOneAndClaim:
      loop(/* sql */ `select ${s}.settle_one_and_claim($1::${TEXT}, $2::bigint, $3::${TEXT}, $4::double precision, $5::${TEXT},
        $6::double precision, $7::integer, $8::double precision, $9::boolean) as job`),
    settleSomeAndClaim:
      loop(/* sql */ `select * from ${s}.settle_some_and_claim(${SETTLEMENTS}, $13::${TEXTS}, $14::integer,
        $15::double precision, $16::integer, $17::double precision, $18::boolean)`),
    settlePlaces:
      loop(/* sql */ `select ${s}.settle_places($1::${TEXT}::bigint[], $2::${TEXT}::integer[], $3::${TEXT}::integer[], $4::${TEXTS},
        $5::integer, $6::${TEXT}::bigint[], $7::double precision) as settled`),
    settleEnded: loop(/* sql */ `select ${s}.settle_ended_jobs(${SETTLEMENTS}) as lost`),
    renew: loop(
      /* sql */ `select ${s}.renew_jobs($1::${TEXTS}, $2::${TEXT}::bigint[], $3::double precision, $4::${TEXTS}, $5::double precision) as lost`,
    ),
    release:
      loop(/* sql */ `select ${s}.release_jobs($1::${TEXTS}, $2::${TEXT}::bigint[], $3::${TEXT}::bigint[], $4::boolean, $5::${TEXT},
        $6::double precision)`),
    get: call(/* sql */ `select ${jobColumns(s)} from ${s}.jobs as j where id ${EQ} $1::${TEXT}`),
    list: call(pageOf(s, jobColumns(s))),
    listSummaries: call(
      pageOf(s, summaryColumns(s, `pg_catalog."left"(j.last_error, ${LONGEST_SUMMARY_ERROR})`)),
    ),
    dependencies: call(/* sql */ `select d.id, d.kind, d.result::${TEXT} from ${s}.jobs as j, ${s}.jobs as d
        where j.id ${EQ} $1::${TEXT} and d.id ${EQ} any (j.after) and d.status ${EQ} 'DONE'
        order by pg_catalog.array_position(j.after, d.id)`),
    failDependents: loop(/* sql */ `select ${s}.fail_more_dependents($1::double precision)`),
    cancel: call(/* sql */ `select ${s}.cancel_job($1::${TEXT}, $2::double precision)`),
    retry: call(/* sql */ `select ${s}.retry_job($1::${TEXT}, $2::${TEXT}, $3::double precision)`),
    cancelJobs: call(
      /* sql */ `select cancelled, pg_catalog.array_to_json(busy)::${TEXT} from ${s}.cancel_jobs($1::${TEXTS}, $2::boolean, $3::boolean, $4::double precision)`,
    ),
    deleteJobs: call(
      /* sql */ `select deleted, pg_catalog.array_to_json(busy)::${TEXT} from ${s}.delete_jobs($1::${TEXTS}, $2::boolean, $3::double precision)`,
    ),
    retryJobs:
      call(/* sql */ `select pg_catalog.array_to_json(ids)::${TEXT}, pg_catalog.array_to_json(kinds)::${TEXT},
        pg_catalog.array_to_json(busy)::${TEXT} from ${s}.retry_jobs($1::${TEXTS}, $2::${TEXTS}, $3::boolean, $4::${TEXT},
        $5::double precision)`),
    reschedule:
      call(/* sql */ `select ${s}.reschedule_job($1::${TEXT}, $2::double precision, $3::double precision, $4::integer, $5::${TEXT},
        $6::${TEXT}, $7::double precision)`),
    taken: call(/* sql */ `select id from ${s}.jobs where id ${EQ} any ($1::${TEXTS})`),
    // Held jobs are PENDING without a row in jobs_waiting.
    counts:
      call(/* sql */ `select kind, status, pg_catalog.count(*)::double precision from ${s}.jobs group by kind, status
        union all select kind, 'WAITING', pg_catalog.count(*)::double precision from ${s}.jobs_blocked where failed_by is null group by kind
        union all select kind, 'WAITING', pg_catalog.sum(coalesce(pg_catalog.cardinality(ids), 1))::double precision from ${s}.jobs_waiting group by kind`),
    stats:
      loop(/* sql */ `select o_kind, o_waiting::double precision, o_blocked::double precision, o_due::double precision,
        o_running::double precision, o_failed::double precision, o_oldest_due, o_paused, o_concurrency, o_key_concurrency,
        o_rate_limits, o_rate_pers, o_minute, o_minutes, o_handles, o_waits from ${s}.kind_stats($1::double precision)`),
    addMinutes: loop(/* sql */ `select ${s}.add_job_minutes($1::${TEXTS}, $2::${TEXT}::double precision[],
        $3::${TEXT}::integer[], $4::${TEXT}::integer[], $5::${TEXT}::integer[], $6::${TEXTS}, $7::${TEXTS},
        $8::double precision)`),
    setRules:
      loop(/* sql */ `select * from ${s}.set_job_rules($1::${TEXT}, $2::${TEXTS}, $3::${TEXT}::integer[], $4::${TEXT}::integer[],
        $5::${TEXT}::integer[], $6::${TEXT}::double precision[], $7::${TEXT}::double precision[], $8::${TEXT}::double precision[], $9::double precision)`),
    rateOpensIn: loop(/* sql */ `select ${s}.rate_opens_in($1::${TEXTS}, $2::double precision)`),
    unhandledKinds: loop(/* sql */ `select kind from ${s}.unhandled_kinds($1::double precision) as kind`),
    pruneByRules: loop(/* sql */ `select ${s}.prune_by_rules($1::double precision)`),
    // Which of these kinds have a rate.
    rated: loop(
      /* sql */ `select kind from ${s}.job_limits where rate_limits is not null and kind ${EQ} any ($1::${TEXTS})`,
    ),
    prune:
      loop(/* sql */ `select o_count, o_from, o_to from ${s}.prune_jobs($1::double precision, $2::integer, $3::double precision,
        $4::double precision, $5::double precision)`),
    pause: call(/* sql */ `select ${s}.pause_kind($1::${TEXT})`),
    resume: call(/* sql */ `select ${s}.resume_kind($1::${TEXT}, $2::${TEXT})`),
    paused: loop(/* sql */ `select kind from ${s}.paused_kinds order by kind`),
    notify: loop(/* sql */ `select pg_catalog.pg_notify($1::${TEXT}, $2::${TEXT})`),
    quietFor: loop(/* sql */ `select ${s}.quiet_for($1::${TEXTS}, $2::double precision)`),
    // By their rules; those of a dead worker expire after a while.
    workers: loop(
      /* sql */ `select kind, pg_catalog.count(*)::double precision from ${s}.job_rules where kind ${EQ} any ($1::${TEXTS}) group by kind`,
    ),
  }
}

/** Without jobs, one row says where the page ends. */
function pageOf(s: string, columns: string): string {
  return /* sql */ `select page.next, ${columns} from ${s}.find_jobs($1::${TEXT}, $2::integer, $3::${TEXT}, $4::double precision) as page
        left join lateral ${s}.jobs_in_order(page.ids, page.seqs) with ordinality as j on true order by j.ordinality`
}
