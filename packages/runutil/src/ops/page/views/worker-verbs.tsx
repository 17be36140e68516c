import type { WorkerVerb } from '../../control/control.ts'
import type { StateNode } from '../../views/read-model.ts'
import { encoded, post } from '../api.ts'
import { useMayChange, usePage } from '../page-context.ts'
import { useCall } from '../use-call.ts'

type Verb = WorkerVerb | 'reset'

/** Those that lose what goes on, or leave something off. */
const ASKED: ReadonlySet<Verb> = new Set<Verb>(['stop', 'restart', 'reset'])

const TEXTS: Readonly<Partial<Record<Verb, string>>> = {
  stop: 'It ends what it does now, and stays stopped in this process until it is started again, or the process is.',
  restart: 'It ends what it does now, and is started again.',
  reset: 'All processes of the pool are replaced by new ones. Tasks that run have to end first.',
}

const OPS_TEXTS: Readonly<Partial<Record<Verb, string>>> = {
  stop: 'This page is served by this very worker. Once it is stopped, neither the page nor the API can start it again: only a restart of the process can.',
  restart: 'This page is served by this very worker: the connection is lost for a moment.',
}

/** What can be done with a worker. */
export function verbsOf(path: string, { kind, state, detail }: StateNode): readonly Verb[] {
  // The whole run, and groups by class, have no controls.
  if (path === '' || kind === 'class') return []
  if (state === 'stopped' || state === 'done' || state === 'failed') return ['start']
  const isLeased = typeof detail === 'object' && detail !== null && 'lease' in detail
  const hasRuns = (kind === 'repeat' || kind === 'cron') && !isLeased
  const pause = state === 'paused' ? 'resume' : 'pause'
  const canPause = hasRuns || kind === 'queue' || kind === 'coordinate' || state === 'paused'
  const verbs: Verb[] = canPause ? [pause] : []
  if (hasRuns) verbs.push('trigger')
  if (kind === 'pool') verbs.push('reset')
  return [...verbs, 'restart', 'stop']
}

export interface WorkerVerbsProps {
  readonly path: string
  readonly node: StateNode
}

/** Buttons for what can be done with a worker; none for whoever may only read. */
export function WorkerVerbs({ path, node }: WorkerVerbsProps) {
  const mayChange = useMayChange()
  const { confirm, route } = usePage()
  const { running, call } = useCall()
  const verbs = verbsOf(path, node)
  if (!mayChange || verbs.length === 0) return null
  const act = async (verb: Verb): Promise<void> => {
    const text = node.kind === 'ops' ? OPS_TEXTS[verb] : TEXTS[verb]
    const title = `${verb} ${path}?`
    if (ASKED.has(verb) && !(await confirm({ title, text: text ?? '', action: verb }))) return
    const room = verb === 'reset' ? 'pools' : 'workers'
    const replica = route.replica === undefined ? {} : { replica: route.replica }
    await call(`${verb} ${path}`, () => post<Answer>(`${room}/${encoded(path)}/${verb}`, {}, replica), told)
  }
  return (
    <div class="buttons verbs" role="group" aria-label={`What to do with ${path}`}>
      {verbs.map((verb) => (
        <button
          key={verb}
          type="button"
          class={verb === 'stop' ? 'danger' : ''}
          disabled={running !== undefined}
          onClick={() => void act(verb)}
        >
          {verb}
        </button>
      ))}
    </div>
  )
}

interface Answer {
  readonly state?: string
  readonly run?: 'done' | 'failed'
  readonly error?: string
  readonly goesOn?: boolean
  readonly command?: string
}

function told({ state, run, error, goesOn, command }: Answer): string {
  if (run === 'failed') return `ran, and failed: ${error ?? 'unknown why'}`
  if (run === 'done') return 'ran'
  if (goesOn === true || command !== undefined) return 'goes on'
  return state === undefined ? 'asked for' : `it is ${state}`
}
