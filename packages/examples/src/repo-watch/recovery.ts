import { type JobFunc, currentLogger, currentName, healthSnapshot } from 'runutil'

/** Logs when a job succeeds after a failure; `retry` logs the failure itself. */
export function sayingRecovery(job: JobFunc): JobFunc {
  return async (signal) => {
    const hadFailed = healthSnapshot()[currentName()] === 'firing'
    await job(signal)
    if (hadFailed) currentLogger().info('works again')
  }
}
