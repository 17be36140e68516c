import { type Facts, endedForCrashes, isPoison } from './facts.ts'
import type { Hold, Holds } from './holds.ts'
import { grouped } from './grouped.ts'
import { expiryOf, overlap } from './reasons.ts'
import { type Finding, none } from './report.ts'
import { MAX_CRASHES } from './settings.ts'

/** Whether crashes are counted against those alone whose process died or lost its lease, and only the poison ends for it. */
export function accountOfCrashes(facts: Facts, holds: Holds): Finding[] {
  const all = [...holds.of.values()]
  const crashed = all.flat().filter((hold) => hold.crashed)
  const began = new Set(facts.runs.map(({ id, claim }) => `${id} ${claim}`))
  const hadBegun = ({ id, claim }: Hold): boolean => began.has(`${id} ${claim}`)
  const kept = all.flatMap((its) =>
    its.filter(({ crashes }, at) => crashes > 0 && at > 0 && isRunThatEnded(its[at - 1]!)),
  )
  const such = (isSuch: (hold: Hold) => boolean): string[] => crashed.filter(isSuch).map(holdInWords)
  return [
    { what: 'crashes counted', count: crashed.length },
    { what: 'of which of jobs that had not begun', count: crashed.filter((hold) => !hadBegun(hold)).length },
    none(
      'crashes counted by the process itself',
      such((hold) => hold.freedBy === hold.worker),
    ),
    none(
      'crashes counted for no known reason',
      such((hold) => hold.freedBy !== hold.worker && expiryOf(hold, facts) === undefined),
    ),
    none('crashes kept though a run ended', kept.map(holdInWords)),
    none('claimed with others on the last chance', holds.crowded.map(holdInWords)),
    ...accountOfPanics(facts, holds, { isRunThatEnded, isAnswerLost }),
  ]

  function isRunThatEnded(hold: Hold): boolean {
    return hold.how === 'let go' && hadBegun(hold)
  }

  /** The database went away when it was claimed: its process never heard that it holds it, and ran others. */
  function isAnswerLost(hold: Hold): boolean {
    const claimed = { from: hold.from, to: hold.from + ANSWERED_MS }
    return !hadBegun(hold) && facts.outages.some((span) => overlap(span, claimed))
  }
}

/** A claim is answered within this time. */
const ANSWERED_MS = 50

interface HoldFacts {
  readonly isRunThatEnded: (hold: Hold) => boolean
  readonly isAnswerLost: (hold: Hold) => boolean
}

function accountOfPanics(facts: Facts, holds: Holds, { isRunThatEnded, isAnswerLost }: HoldFacts): Finding[] {
  const given = [...facts.stored.values()].filter(endedForCrashes)
  const innocent = given.filter(({ id }) => !isPoison(id, facts)).map(({ id }) => id)
  const punished = innocent.filter((id) => !wasUnlucky(id))
  const runsOf = grouped(facts.runs, ({ id }) => id)
  const poisons = [...facts.planned.keys()].filter((id) => isPoison(id, facts))
  return [
    { what: 'poison jobs', count: poisons.length },
    none(
      'poison jobs that ran beyond their last chance',
      poisons.filter((id) => (runsOf.get(id) ?? []).length > MAX_CRASHES + 1),
    ),
    {
      what: 'innocents that ended PANIC, killed or cut off from outside each time',
      count: innocent.length - punished.length,
    },
    none(
      'innocents punished',
      punished.map((id) => holds.of.get(id)!.map(holdInWords).join('; ')),
    ),
  ]

  /** More crashes in a row than it may have, none without a reason, and the one too many by no job beside it. */
  function wasUnlucky(id: string): boolean {
    const its = holds.of.get(id)!
    const inARow = its.slice(its.findLastIndex(isRunThatEnded) + 1).filter(({ crashed }) => crashed)
    const reasons = inARow.map((hold) => expiryOf(hold, facts))
    if (reasons.length <= MAX_CRASHES || reasons.includes(undefined)) return false
    return reasons[MAX_CRASHES] !== 'poison' || isAnswerLost(inARow[MAX_CRASHES]!)
  }
}

function holdInWords({ id, worker, claim, from, until, how, freedBy, crashes }: Hold): string {
  const freed = freedBy === undefined ? '' : ` by ${freedBy}`
  return `${id} of ${worker} under ${claim} with ${crashes} crashes, ${from.toFixed()} to ${until.toFixed()}, ${how}${freed}`
}
