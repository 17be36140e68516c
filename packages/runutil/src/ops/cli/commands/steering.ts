import { encodedPath } from '../../encoded-path.ts'
import { encodedKind } from '../api-client.ts'
import { failed, wrongUsage } from '../command-errors.ts'
import type { Call, CliCommand, OptionLine } from '../command.ts'
import { printable } from '../text/printable.ts'
import { strangeKind } from './strange-kind.ts'

const REPLICA: OptionLine = ['--replica <id>', 'of a worker: in which process; default: the one that answers']

/** Of workers, and of kinds. */
export const STEERING: readonly CliCommand[] = [
  {
    usage: 'pause <what>',
    about: "pauses a worker, if it begins with '/', in one process; else a kind of jobs, in all",
    options: [REPLICA],
    run: (call) => pauseOrResume('pause', call),
  },
  {
    usage: 'resume <what>',
    about: 'resumes what was paused',
    options: [REPLICA],
    run: (call) => pauseOrResume('resume', call),
  },
  {
    usage: 'trigger <path>',
    about: 'starts a run of a worker now, and waits for it at most 10 s',
    options: [REPLICA],
    run: (call) => steerWorker('trigger', call),
  },
  {
    usage: 'restart <path>',
    about: 'stops a worker and starts it again',
    options: [REPLICA],
    run: (call) => steerWorker('restart', call),
  },
]

interface Answer {
  readonly state?: string
  /** Of a run that was triggered. */
  readonly run?: 'done' | 'failed'
  readonly error?: string
  /** The id of a command that another process has not answered yet. */
  readonly command?: string
  readonly goesOn?: boolean
}

async function pauseOrResume(verb: 'pause' | 'resume', call: Call): Promise<number> {
  const [what = ''] = call.args
  if (what.startsWith('/')) return steerWorker(verb, call)
  if (call.options.text('replica') !== undefined) {
    throw wrongUsage(
      `${verb}: a kind is paused in all processes; --replica is for workers, such as '/${what}'`,
    )
  }
  const warning = verb === 'pause' && !call.isJson ? await strangeKind(what, call.api) : undefined
  const answer = await call.api.post<Answer>(`kinds/${encodedKind(what)}/${verb}`)
  const code = tell(call, `${verb} of the kind ${what}`, answer)
  if (warning !== undefined) call.output.line(printable(warning))
  return code
}

async function steerWorker(verb: string, call: Call): Promise<number> {
  const [path = ''] = call.args
  if (!/^\/./s.test(path)) {
    const example = `/${path.replace(/^\//, '') || 'Mail'}`
    throw wrongUsage(`${verb}: expected the path of a worker, such as '${example}'; got '${path}'; see ps`)
  }
  const replica = call.options.text('replica')
  const answer = await call.api.post<Answer>(`workers/${encodedPath(path)}/${verb}`, {}, { replica })
  return tell(call, `${verb} of ${path}`, answer)
}

function tell({ isJson, output }: Call, what: string, answer: Answer): number {
  if (isJson) output.json(answer)
  if (answer.run === 'failed') throw failed(`${what}: the run failed: ${answer.error ?? 'unknown'}`)
  if (!isJson) output.line(printable(`${what}: ${inWords(answer)}`))
  return 0
}

function inWords({ state, command, goesOn, run }: Answer): string {
  if (command !== undefined) return `sent to the other process as ${command}, which has not answered yet`
  if (goesOn === true) return 'goes on'
  if (run !== undefined) return 'the run is done'
  return state === undefined ? 'done' : `done, it is ${state}`
}
