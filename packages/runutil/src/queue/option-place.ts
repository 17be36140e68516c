/** Where an option belongs: to a kind, or to the worker of the kinds. */
type Place = 'kind' | 'worker'

/** Which option is meant and where it belongs, by its own name or that of other queues, in lower case and without underscores. */
const PLACES: Readonly<Record<string, readonly [Place, string]>> = {
  attempts: ['kind', 'attempts'],
  maxattempts: ['kind', 'attempts'],
  retries: ['kind', 'attempts'],
  retrylimit: ['kind', 'attempts'],
  backoff: ['kind', 'backoff'],
  retrydelay: ['kind', 'backoff'],
  retrybackoff: ['kind', 'backoff'],
  retryif: ['kind', 'retryIf'],
  deadline: ['kind', 'deadline'],
  timeout: ['kind', 'deadline'],
  expireinseconds: ['kind', 'deadline'],
  rate: ['kind', 'rate'],
  ratelimit: ['kind', 'rate'],
  limiter: ['kind', 'rate'],
  concurrency: ['kind', 'concurrency'],
  keyconcurrency: ['kind', 'keyConcurrency'],
  groupconcurrency: ['kind', 'keyConcurrency'],
  retention: ['worker', 'retention'],
  removeoncomplete: ['worker', 'retention'],
  removeonfail: ['worker', 'retention'],
  deleteafterseconds: ['worker', 'retention'],
  lease: ['worker', 'lease'],
  lockduration: ['worker', 'lease'],
  maxcrashes: ['worker', 'maxCrashes'],
  maxstalledcount: ['worker', 'maxCrashes'],
  pollinterval: ['worker', 'pollInterval'],
  prefetch: ['worker', 'prefetch'],
}

const GIVE_TO: Record<Place, string> = {
  kind: 'of a kind: give it to register() or defineJob()',
  worker: 'of the worker: give it to new QueueWorker()',
}

/**
 * What to do about an option that is unknown where it was given, because it belongs elsewhere or has another name here.
 *
 * @param here what takes the options; undefined for a job
 * @returns undefined for what no place has
 */
export function placeHint(given: string, here?: Place): string | undefined {
  const plain = given.toLowerCase().replaceAll(/[_-]/g, '')
  if (!Object.hasOwn(PLACES, plain)) return undefined
  const [place, option] = PLACES[plain]!
  if (place === here) return `did you mean '${option}'?`
  return `${given === option ? 'it' : `'${option}'`} is an option ${GIVE_TO[place]}`
}

export function workerHint(given: string): string | undefined {
  return placeHint(given, 'worker')
}

export function kindHint(given: string): string | undefined {
  return placeHint(given, 'kind')
}
