import type { StateNode } from '../../views/read-model.ts'
import { encodedPath } from '../../encoded-path.ts'
import { post } from '../api.ts'
import { useMayChange, usePage } from '../page-context.ts'
import { ActionButton } from '../parts/action-button.tsx'
import { useCall } from '../use-call.ts'
import { type PageVerb, verbsOf } from './verbs-of.ts'

/** Those that lose what goes on, or leave something off. */
const ASKED: ReadonlySet<PageVerb> = new Set<PageVerb>(['stop', 'restart', 'reset'])

const TEXTS: Readonly<Partial<Record<PageVerb, string>>> = {
  stop: 'It ends what it does now, and stays stopped in this process until it is started again, or the process is.',
  restart: 'It ends what it does now, and is started again.',
  reset: 'All processes of the pool are replaced by new ones. Tasks that run have to end first.',
}

const OPS_TEXTS: Readonly<Partial<Record<PageVerb, string>>> = {
  stop: 'This page is served by this very worker. Once it is stopped, neither the page nor the API can start it again: only a restart of the process can.',
  restart: 'This page is served by this very worker: the connection is lost for a moment.',
}

export interface WorkerVerbsProps {
  readonly path: string
  readonly node: StateNode
  /** Default: all that can be done with it. */
  readonly only?: PageVerb
}

/** Buttons for what can be done with a worker; none for whoever may only read. */
export function WorkerVerbs({ path, node, only }: WorkerVerbsProps) {
  const mayChange = useMayChange()
  const { confirm, route } = usePage()
  const { running, call } = useCall()
  const verbs = verbsOf(path, node).filter((verb) => only === undefined || verb === only)
  if (!mayChange || verbs.length === 0) return null
  const act = async (verb: PageVerb): Promise<void> => {
    const text = node.kind === 'ops' ? OPS_TEXTS[verb] : TEXTS[verb]
    const title = `${verb} ${path}?`
    if (ASKED.has(verb) && !(await confirm({ title, text: text ?? '', action: verb }))) return
    const room = verb === 'reset' ? 'pools' : 'workers'
    const replica = route.replica === undefined ? {} : { replica: route.replica }
    await call(
      `${verb} ${path}`,
      () => post<Answer>(`${room}/${encodedPath(path)}/${verb}`, {}, replica),
      told,
    )
  }
  return (
    <div class="buttons verbs" role="group" aria-label={`What to do with ${path}`}>
      {verbs.map((verb) => (
        <ActionButton
          key={verb}
          class={verb === 'stop' ? 'danger' : ''}
          isBusy={running !== undefined}
          act={() => void act(verb)}
        >
          {verb}
        </ActionButton>
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
