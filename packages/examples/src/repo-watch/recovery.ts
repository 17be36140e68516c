import { type JobFunc, currentLogger, currentName, healthSnapshot } from 'runutil'

/** Says so when a job succeeds after it had failed. That it failed was logged by retry. */
export function sayingRecovery(job: JobFunc): JobFunc {
  return async (signal) => {
    const hadFailed = healthSnapshot()[currentName()] === 'firing'
    await job(signal)
    if (hadFailed) currentLogger().info('works again')
  }
}
