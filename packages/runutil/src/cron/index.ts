// Time-of-day schedules, in any time zone.
export { type CronOptions } from './cron-settings.ts'
export { cron } from './cron.ts'
export { type NextRunsOptions, nextRuns } from './next-runs.ts'
