import type { Facts } from './facts.ts'
import { grouped } from './grouped.ts'
import type { Hold, Holds } from './holds.ts'
import { MIXED } from './planned-job.ts'
import { type Finding, none } from './report.ts'
import { type Version, versionOf } from './settings.ts'

/**
 * Limits that a process has told, from its first claim of the kind until it dies or is told to stop: then it takes its
 * word back when its last job of the kind has ended. In ms of the wall clock.
 */
interface Word {
  readonly limits: Version
  readonly from: number
  readonly to: number
}

/** Whether a kind that some processes limit, and others otherwise or not at all, was held to all limits of the living. */
export function accountOfVersions(facts: Facts, holds: Holds): Finding[] {
  const ofKind = [...holds.of.values()].flat().filter(({ id }) => facts.planned.get(id)?.kind === MIXED)
  const words = wordsOf(ofKind, facts)
  const claims = [...grouped(ofKind, ({ claim }) => claim).values()]
  const keyOf = ({ id }: Hold): string => facts.planned.get(id)!.key!
  const tooMany = (limit: keyof Version, isAlike: (a: Hold, b: Hold) => boolean): string[] =>
    claims.flatMap((claim) => {
      const most = limitAt(claim[0]!.from, limit, words)
      return claim.flatMap((hold) => {
        const beside = ofKind.filter((other) => isAlike(hold, other) && isHeldAt(hold, other))
        return beside.length > most
          ? [`${hold.id} of ${hold.worker} under ${hold.claim} as one of ${beside.length}`]
          : []
      })
    })
  return [
    { what: 'claims of a kind that some versions limit', count: claims.length },
    {
      what: 'of which while a limit of some version held',
      count: claims.filter(([hold]) => words.some((word) => isIn(hold!.from, word))).length,
    },
    none(
      'claimed beyond a limit that a live version gives the kind',
      tooMany('concurrency', () => true),
    ),
    none(
      'claimed beyond a limit that a live version gives a key',
      tooMany('keyConcurrency', (a, b) => keyOf(a) === keyOf(b)),
    ),
  ]
}

function wordsOf(ofKind: readonly Hold[], { workers }: Facts): Word[] {
  return [...grouped(ofKind, ({ worker }) => worker)]
    .map(([name, its]) => ({
      limits: versionOf(name),
      from: Math.min(...its.map(({ from }) => from)),
      to: Math.min(workers.get(name)!.diedWall, workers.get(name)!.toldWall),
    }))
    .filter(({ limits }) => Object.keys(limits).length > 0)
}

function limitAt(time: number, limit: keyof Version, words: readonly Word[]): number {
  return Math.min(...words.filter((word) => isIn(time, word)).map(({ limits }) => limits[limit] ?? Infinity))
}

function isIn(time: number, { from, to }: Word): boolean {
  return from <= time && time < to
}

/** Whether the other was held when this one was claimed, or is this one. */
function isHeldAt({ from, claim }: Hold, other: Hold): boolean {
  return other.claim <= claim && other.from <= from && (other.lapsedAt ?? other.until) > from
}
