import type { ProbeAnswer } from '../probes/probes-model.ts'
import type { Route } from './route.ts'
import { TEXT, objectOf } from './schemas.ts'
import { OpsError } from '../ops-error.ts'

const REASON = objectOf({ who: TEXT, why: TEXT }, ['who', 'why'])
const PROBE = objectOf({ ok: { type: 'boolean' }, reasons: { type: 'array', items: REASON } }, [
  'ok',
  'reasons',
])

/** What machines ask for: no part of the API, and at '/' as well as under the base path. */
export const PROBE_ROUTES: readonly Route[] = [
  {
    ...probe('startupz', 'Whether every worker has been ready'),
    handle: (_, { probes }) => answered(probes.started()),
  },
  {
    ...probe('readyz', 'Whether work may be sent to the process'),
    handle: async (_, { probes }) => answered(await probes.ready()),
  },
  {
    ...probe('livez', 'Whether the process can go on'),
    handle: (_, { probes }) => answered(probes.live()),
  },
  {
    method: 'GET',
    path: 'metrics',
    access: 'metrics',
    summary: 'Metrics, in the format of Prometheus',
    part: 'probes',
    answers: { 200: { about: 'all metrics', schema: TEXT, type: 'text/plain' } },
    handle: async (_, { metrics }) => {
      if (metrics === undefined) throw new OpsError(404, 'not-found', 'no metrics: set the option metrics')
      const body = (await metrics.pieces?.()) ?? (await metrics())
      return { status: 200, type: 'text/plain; version=0.0.4; charset=utf-8', body }
    },
  },
]

function probe(path: string, summary: string) {
  const answers = {
    200: { about: 'yes', schema: PROBE },
    503: { about: 'no, and because of whom', schema: PROBE },
  }
  return { method: 'GET', path, access: 'open', summary, part: 'probes', answers } as const
}

function answered({ status, body }: ProbeAnswer): { status: number; body: object } {
  return { status, body }
}
