import { ask } from './ask.ts'

/** What PostgreSQL calls it when a statement waits in pg_sleep, for an advisory lock, or for another's lock of a row
 * or table. */
export type WaitEvent = 'PgSleep' | 'advisory' | 'transactionid' | 'relation'

/** Resolves once so many statements of the database wait for that. */
export async function waitingFor(event: WaitEvent, url: string, count = 1): Promise<void> {
  await ask(
    url,
    `do $$ begin
       while (
         select count(*) from pg_stat_activity
         where datname = current_database() and pid <> pg_backend_pid() and wait_event = '${event}'
       ) < ${count} loop
         perform pg_sleep(0.005), pg_stat_clear_snapshot();
       end loop;
     end $$`,
  )
}
