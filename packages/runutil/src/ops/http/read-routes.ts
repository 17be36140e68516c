import { setSecurityHeaders } from './answer.ts'
import type { Call } from './call.ts'
import type { ReadModel } from '../views/read-model.ts'
import type { QueryField, Route } from './route.ts'
import { ANY_OBJECT, FLAG, PAGE, TEXT, field, listOf, objectOf, oneOf, range } from './schemas.ts'

const REPLICA = field('of which process; default: the one that answers')

const JOB_FIELDS: Readonly<Record<string, QueryField>> = {
  kind: field('of that kind'),
  status: field(
    'in that status',
    oneOf('PENDING', 'WAITING', 'BLOCKED', 'RUNNING', 'DONE', 'FAILED', 'PANIC'),
  ),
  key: field('with that key'),
  idPrefix: field('whose id begins so'),
  ...range('createdAt', 'made'),
  ...range('runAt', 'due'),
  ...range('endedAt', 'ended'),
  'error.contains': field('whose last error contains that'),
  ...PAGE,
}

const SPEC_FIELDS = {
  namespace: field('in that namespace'),
  name: field('of that name'),
  ...PAGE,
}

const UNIT_FIELDS = {
  namespace: field('of the spec of that namespace; default: the one without a name'),
  spec: field('of the spec of that name'),
  status: field('in that status', oneOf('available', 'pending', 'finished', 'failed', 'delayed')),
  name: field('of that name'),
  ...PAGE,
}

const ACTION_FIELDS = {
  id: field('of that id'),
  operation: field('of that operation'),
  host: field('of that host'),
  target: field('on that target'),
  status: field('in that status'),
  error: field('with that error'),
}

const NESTED_ACTION_FIELDS = {
  prefixes: [...Object.keys(ACTION_FIELDS), 'createdAt', 'updatedAt', 'input', 'output'],
  about:
    'fields within input and output, such as `input.url`, and comparisons: `error.contains`, `target.startsWith`, ' +
    '`createdAt.gte`, `input.size.lt`',
}

/** What can be seen through the API. */
export const READ_ROUTES: readonly Route[] = [
  {
    ...read('state', 'What goes on in a process: its workers, event loop and memory'),
    query: { replica: REPLICA },
    answers: { 200: { about: 'its state', schema: ANY_OBJECT } },
    handle: async ({ query: { replica } }, { model }) => {
      return { status: 200, body: replica === undefined ? model.state() : await model.stateOf(replica) }
    },
  },
  {
    ...read('events', 'The state, then what changes of it once a second, as server-sent events'),
    query: { replica: REPLICA, watch: field('what else to send, such as `kinds,replicas`') },
    answers: {
      200: { about: 'events `state`, `patch` (RFC 7396) …', schema: TEXT, type: 'text/event-stream' },
    },
    handle: async ({ request, response, query }, { streams }) => {
      if (request.method === 'HEAD') return { status: 200, type: 'text/event-stream', body: '' }
      setSecurityHeaders(response)
      await streams.open(response, query)
      return undefined
    },
  },
  list('kinds', 'The kinds of jobs, with counts, ages and minutes', {}, (model) => model.kinds()),
  list('jobs', 'Jobs, a page of them', JOB_FIELDS, (model, { query }) => model.jobs(query)),
  {
    ...read('jobs/{id}', 'One job, with payload, result and the text of its errors'),
    answers: { 200: { about: 'the job', schema: ANY_OBJECT } },
    handle: async ({ parameters }, { model }) => ({ status: 200, body: await model.job(parameters.id!) }),
  },
  list('specs', 'Families of work units', SPEC_FIELDS, (model, { query }) => model.specs(query)),
  list('units', 'Work units with their attempts, a page of them', UNIT_FIELDS, (model, { query }) =>
    model.units(query),
  ),
  {
    ...list(
      'actions',
      'Actions on devices, a page of them',
      { ...ACTION_FIELDS, ...PAGE },
      (model, { query }) => model.actions(query),
    ),
    nested: NESTED_ACTION_FIELDS,
  },
  list('leases', 'Leases with holder and fence', {}, (model) => model.leases()),
  list('replicas', 'The processes of the program', {}, (model) => model.replicas()),
  {
    ...read('session', 'Who calls, and what they may do'),
    access: 'anyone',
    answers: {
      200: {
        about:
          "the caller: 'none', 'read' or 'control', whether by a session, and whether a token would sign in",
        schema: objectOf(
          { role: oneOf('none', 'read', 'control'), name: TEXT, session: FLAG, tokens: FLAG },
          ['role', 'name', 'session', 'tokens'],
        ),
      },
    },
    handle: (call, { sessions }) => sessions.caller(call),
  },
  {
    ...read('doctor', 'What the doctor finds, and what to do about it'),
    answers: { 200: listOf('findings', 'what it found') },
    handle: async (_, { model }) => ({ status: 200, body: await model.doctor() }),
  },
  {
    ...read('openapi.json', 'This document'),
    answers: { 200: { about: 'an OpenAPI 3.1 document', schema: ANY_OBJECT } },
    handle: (_, { document }) => ({ status: 200, body: document }),
  },
]

function read(path: string, summary: string) {
  return { method: 'GET', path: `api/v1/${path}`, access: 'read', summary, part: 'api' } as const
}

function list(
  name: string,
  summary: string,
  query: Readonly<Record<string, QueryField>>,
  ask: (model: ReadModel, call: Call) => Promise<object>,
): Route {
  return {
    ...read(name, summary),
    query,
    answers: { 200: listOf(name, summary) },
    handle: async (call, { model }) => ({ status: 200, body: await ask(model, call) }),
  }
}
