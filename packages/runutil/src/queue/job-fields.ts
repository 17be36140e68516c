import { shortened } from '../core/describe.ts'
import { nearestHint } from '../core/options.ts'
import { ErrInvalidJob } from './errors.ts'
import type { ClaimedJob, JobInput } from './job.ts'
import { placeHint } from './option-place.ts'

const INPUT_FIELDS = {
  id: true,
  kind: true,
  payload: true,
  runAt: true,
  delay: true,
  after: true,
  priority: true,
  key: true,
  unique: true,
} satisfies Record<keyof JobInput, true>

/** Fields of a stored or claimed job, so that what `get` or a handler gives can be enqueued again. */
const STORED_FIELDS = {
  status: true,
  createdAt: true,
  updatedAt: true,
  result: true,
  attemptsDone: true,
  lastAttemptAt: true,
  lastError: true,
  progress: true,
  errors: true,
  endedAt: true,
  waitsFor: true,
  traceparent: true,
  dependencies: true,
  claim: true,
  attempt: true,
  isLastAttempt: true,
  crashes: true,
  payloadBytes: true,
  place: true,
} satisfies Record<Exclude<keyof ClaimedJob, keyof JobInput>, true>

const INPUT_NAMES = Object.keys(INPUT_FIELDS)

/** All fields that a job may have, with those that are ignored. */
const KNOWN: ReadonlySet<string> = new Set([...INPUT_NAMES, ...Object.keys(STORED_FIELDS)])

/** How other queues call a field, in lower case and without underscores. */
const MEANT: Readonly<Record<string, keyof JobInput>> = {
  data: 'payload',
  body: 'payload',
  args: 'payload',
  arguments: 'payload',
  params: 'payload',
  input: 'payload',
  message: 'payload',
  delayms: 'delay',
  delayseconds: 'delay',
  wait: 'delay',
  startafter: 'delay',
  at: 'runAt',
  when: 'runAt',
  scheduledat: 'runAt',
  name: 'kind',
  type: 'kind',
  task: 'kind',
  queue: 'kind',
  jobid: 'id',
  tenant: 'key',
  group: 'key',
  uniquekey: 'unique',
  jobkey: 'unique',
  singletonkey: 'unique',
  dedupekey: 'unique',
  deduplication: 'unique',
  dependson: 'after',
  dependencies: 'after',
  parents: 'after',
}

/** @param name of the job, for the error @throws ErrInvalidJob for a field that no job has */
export function checkFields(input: object, name: () => string): void {
  for (const field in input) {
    switch (field) {
      // Compared one by one, which costs less than a look-up: nearly all jobs have no other fields.
      case 'id':
      case 'kind':
      case 'payload':
      case 'key':
      case 'priority':
      case 'runAt':
      case 'delay':
      case 'after':
        break
      default:
        if (!KNOWN.has(field)) refuse(input, field, name)
    }
  }
}

function refuse(input: object, field: string, name: () => string): void {
  // What a class or a library adds to all objects was not given.
  if (!Object.hasOwn(input, field)) return
  const plain = field.toLowerCase().replaceAll(/[_-]/g, '')
  const meant = Object.hasOwn(MEANT, plain) ? `did you mean '${MEANT[plain]}'?` : placeHint(field)
  const hint = meant ?? nearestHint(plain, INPUT_NAMES)
  throw new ErrInvalidJob(`${name()}: unknown field '${shortened(field)}'; ${hint}`)
}
