// One contender: many repeated jobs in a process of its own. Prints { ticks, cpuMs } of the measured time.
const [contender, kind, workers, everyMs, warmMs, measureMs] = process.argv
  .slice(2)
  .map((arg, at) => (at > 1 ? Number(arg) : arg))

let ticks = 0
const count = () => {
  ticks++
}
const job = kind === 'async' ? async () => count() : count

const start = {
  async setInterval() {
    for (let at = 0; at < workers; at++) setInterval(job, everyMs)
  },
  async runutil() {
    const { pino } = await import('pino')
    const { repeat, runAllWorkers } = await import('runutil')
    const list = Array.from({ length: workers }, () => repeat(everyMs, job))
    void runAllWorkers(list, undefined, { logger: pino({ level: 'warn' }) })
  },
  async 'toad-scheduler'() {
    const { AsyncTask, SimpleIntervalJob, Task, ToadScheduler } = await import('toad-scheduler')
    const task = (id) => (kind === 'async' ? new AsyncTask(id, job) : new Task(id, job))
    const scheduler = new ToadScheduler()
    for (let at = 0; at < workers; at++) {
      scheduler.addSimpleIntervalJob(new SimpleIntervalJob({ milliseconds: everyMs }, task(`${at}`)))
    }
  },
  async effect() {
    const { Effect, Schedule } = await import('effect')
    for (let at = 0; at < workers; at++) {
      Effect.runFork(
        Effect.repeat(
          kind === 'async' ? Effect.promise(job) : Effect.sync(job),
          Schedule.fixed(`${everyMs} millis`),
        ),
      )
    }
  },
  // Its patterns know no less than a second, so it is asked for as many ticks by as many more jobs.
  async croner() {
    const { Cron } = await import('croner')
    for (let at = 0; at < workers; at++) new Cron('* * * * * *', job)
  },
}

await start[contender]()
await new Promise((resolve) => setTimeout(resolve, warmMs))
ticks = 0
const before = process.cpuUsage()
await new Promise((resolve) => setTimeout(resolve, measureMs))
const { user, system } = process.cpuUsage(before)
console.log(JSON.stringify({ ticks, cpuMs: (user + system) / 1000 }))
process.exit()
