import type { Statement } from '../database/database.ts'
import { quotedSchema, statementName } from '../schema/schema-name.ts'

const SETTLEMENTS = `$1::text::text[], $2::text::bigint[], $3::text::text[], $4::text::text[],
        $5::text::text[], $6::text::float8[], $7::text::float8[], $8::text::boolean[], $9::text::bigint[],
        $10::float8`

export type JobStatements = ReturnType<typeof jobStatements>

/** How each function of the queue is called, in one schema. Arrays come as text: every driver passes that on as it is. */
export function jobStatements(schema: string) {
  const s = quotedSchema(schema)
  const call = (name: string, text: string): Statement => ({ name: statementName(schema, name), text })
  const loop = (name: string, text: string): Statement => ({ ...call(name, text), repeats: true })
  return {
    enqueue: call(
      'enqueue',
      /* sql */ `select ${s}.enqueue_jobs($1::text::text[], $2::text::text[], $3::text::text[], $4::text::float8[],
        $5::text::integer[], $6::text::text[], $7::text::integer[], $8::float8, $9::text, $10::text) as taken`,
    ),
    claim: loop(
      'claim',
      /* sql */ `select * from ${s}.claim_jobs($1::text::text[], $2::integer, $3::float8, $4::boolean, $5::float8, $6::float8,
        $7::text::text[], $8::text::integer[], $9::text::float8[], $10::text, $11::integer,
        $12::text::bigint[], $13::integer, $14::boolean, $15::float8, $16::boolean)`,
    ),
    settle: loop('settle', /* sql */ `select ${s}.settle_jobs(${SETTLEMENTS}) as lost`),
    settleEnded: loop('settle ended', /* sql */ `select ${s}.settle_ended_jobs(${SETTLEMENTS}) as lost`),
    renew: loop(
      'renew',
      /* sql */ `select ${s}.renew_jobs($1::text::text[], $2::text::bigint[], $3::float8, $4::float8) as lost`,
    ),
    release: loop(
      'release',
      /* sql */ `select ${s}.release_jobs($1::text::text[], $2::text::bigint[], $3::text::bigint[], $4::boolean, $5::text,
        $6::float8)`,
    ),
    get: call(
      'get',
      /* sql */ `select id, kind, status, attempts_done, date_part('epoch', run_at) * 1000, date_part('epoch', created_at) * 1000,
        date_part('epoch', updated_at) * 1000, date_part('epoch', last_attempt_at) * 1000, last_error,
        payload::text, result::text from ${s}.jobs where id = $1::text`,
    ),
    cancel: call('cancel', /* sql */ `select ${s}.cancel_job($1::text, $2::float8)`),
    retry: call('retry', /* sql */ `select ${s}.retry_job($1::text, $2::text, $3::float8)`),
    taken: call('taken', /* sql */ `select id from ${s}.jobs where id = any ($1::text::text[])`),
    // Those that somebody holds are PENDING without a row that waits.
    counts: call(
      'counts',
      /* sql */ `select kind, status, count(*)::float8 from ${s}.jobs group by kind, status
        union all select kind, 'WAITING', count(*)::float8 from ${s}.jobs_waiting group by kind`,
    ),
    setRules: loop(
      'setRules',
      /* sql */ `select * from ${s}.set_job_rules($1::text, $2::text::text[], $3::text::integer[], $4::text::integer[],
        $5::text::integer[], $6::text::float8[], $7::text::float8[], $8::text::float8[], $9::float8)`,
    ),
    rateOpensIn: loop('rateOpensIn', /* sql */ `select ${s}.rate_opens_in($1::text::text[], $2::float8)`),
    unhandledKinds: loop(
      'unhandledKinds',
      /* sql */ `select kind from ${s}.unhandled_kinds($1::float8) as kind`,
    ),
    pruneByRules: loop('pruneByRules', /* sql */ `select ${s}.prune_by_rules($1::float8)`),
    // Of these kinds, those that are held to a rate.
    rated: loop(
      'rated',
      /* sql */ `select kind from ${s}.job_limits where rate_limits is not null and kind = any ($1::text::text[])`,
    ),
    prune: loop(
      'prune',
      /* sql */ `select o_count, o_from, o_to
        from ${s}.prune_jobs($1::float8, $2::integer, $3::float8, $4::float8, $5::float8)`,
    ),
    notify: loop('notify', /* sql */ `select pg_notify($1::text, $2::text)`),
    quietFor: loop('quietFor', /* sql */ `select ${s}.quiet_for($1::text::text[], $2::float8)`),
    // As they say themselves; one that has died is forgotten after a while.
    workers: loop(
      'workers',
      /* sql */ `select kind, count(*)::float8 from ${s}.job_rules where kind = any ($1::text::text[]) group by kind`,
    ),
  }
}
