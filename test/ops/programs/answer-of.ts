import type { ProbeAnswer } from '../../../packages/runutil/src/ops/probes/probes-model.ts'

/** The answer of a probe, as '503 shutdown'. */
export async function answerOf(url: string): Promise<string> {
  const response = await fetch(url)
  const { reasons } = (await response.json()) as ProbeAnswer['body']
  return [response.status, ...reasons.map(({ who }) => who)].join(' ')
}
