import type { JobVerb, WorkerVerb } from '../control/control.ts'
import type { Route } from './route.ts'
import { ANY_OBJECT, DONE, TEXT, TIME, WHOLE, field, objectOf } from './schemas.ts'

const REPLICA = { replica: field('in which process; default: the one that answers') }
const JOB_VERBS = ['retry', 'cancel', 'delete']

/** What can be changed through the API. */
export const CHANGE_ROUTES: readonly Route[] = [
  {
    ...change('workers/{path}/{verb}', 'Pauses, stops or starts a worker, or runs it now'),
    wide: 'path',
    verbs: ['pause', 'resume', 'trigger', 'stop', 'start', 'restart'],
    query: REPLICA,
    handle: ({ parameters, caller, query }, { control }) =>
      control.worker(rooted(parameters.path!), parameters.verb as WorkerVerb, caller, query.replica),
  },
  {
    ...change('pools/{path}/{verb}', 'Replaces the processes of a pool'),
    wide: 'path',
    verbs: ['reset'],
    query: REPLICA,
    handle: ({ parameters, caller, query }, { control }) =>
      control.pool(rooted(parameters.path!), 'reset', caller, query.replica),
  },
  {
    ...change('jobs/{id}/{verb}', 'Retries, cancels or deletes a job'),
    verbs: JOB_VERBS,
    handle: ({ parameters, caller }, { control }) =>
      control.job(parameters.id!, parameters.verb as JobVerb, caller),
  },
  {
    ...change('jobs/{verb}', 'Retries, cancels or deletes all jobs that match'),
    verbs: JOB_VERBS,
    body: {
      oneOf: [
        objectOf({ query: ANY_OBJECT, dryRun: { const: true } }, ['query', 'dryRun']),
        objectOf({ query: ANY_OBJECT, asOf: TIME, count: WHOLE }, ['query', 'asOf', 'count']),
      ],
    },
    handle: ({ parameters, caller, body }, { control }) =>
      control.jobs(parameters.verb as JobVerb, body, caller),
  },
  {
    ...change('kinds/{kind}/{verb}', 'Pauses or resumes a kind of jobs, in all processes'),
    wide: 'kind',
    verbs: ['pause', 'resume'],
    handle: ({ parameters, caller }, { control }) =>
      control.kind(parameters.kind!, parameters.verb as 'pause' | 'resume', caller),
  },
  {
    ...change('specs/{spec}/{verb}', 'Pauses or resumes a spec, or retries units of it'),
    wide: 'spec',
    verbs: ['pause', 'resume', 'retry'],
    body: objectOf({ units: ANY_OBJECT }),
    handle: ({ parameters, caller, body }, { control }) =>
      control.spec(parameters.spec!, parameters.verb as 'pause' | 'resume' | 'retry', body, caller),
  },
  {
    ...change('session', 'Signs in: sets a session cookie'),
    access: 'session',
    body: objectOf({ token: TEXT }, ['token']),
    answers: {
      200: { about: 'signed in', schema: objectOf({ role: TEXT, until: TIME }, ['role', 'until']) },
    },
    handle: (call, { sessions }) => sessions.start(call),
  },
  {
    ...change('session', 'Signs out'),
    method: 'DELETE',
    access: 'session',
    answers: { 200: { about: 'signed out', schema: ANY_OBJECT } },
    handle: (call, { sessions }) => sessions.end(call),
  },
]

function change(path: string, summary: string) {
  return {
    method: 'POST',
    path: `api/v1/${path}`,
    access: 'control',
    summary,
    answers: DONE,
    part: 'api',
  } as const
}

/** Paths of workers begin with a slash; addresses needn't. */
function rooted(path: string): string {
  return path.startsWith('/') ? path : `/${path}`
}
