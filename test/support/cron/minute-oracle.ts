/** One minute as the clocks of a time zone show it. */
export interface LocalMinute {
  readonly at: number
  /** Days since the epoch, by the local calendar. */
  readonly day: number
  /** The local minute of the day. */
  readonly minute: number
}

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** What the clocks of a zone show at each minute between two times. */
export function minutesOf(zone: string, from: number, to: number): LocalMinute[] {
  const offset = offsetsOf(zone)
  const minutes: LocalMinute[] = []
  for (let at = Math.ceil(from / MINUTE) * MINUTE; at <= to; at += MINUTE) {
    const local = at + offset(at)
    minutes.push({
      at,
      day: Math.floor(local / DAY),
      minute: Math.floor((local - Math.floor(local / DAY) * DAY) / MINUTE),
    })
  }
  return minutes
}

/** The first minute after each clock change of a year. */
export function transitionsOf(zone: string, year: number): number[] {
  const offset = offsetsOf(zone)
  const found: number[] = []
  for (let at = Date.UTC(year, 0); at < Date.UTC(year + 1, 0); at += HOUR) {
    if (offset(at) === offset(at + HOUR)) continue
    let first = at
    while (offset(first) === offset(at)) first += MINUTE
    found.push(first)
  }
  return found
}

/** The instants of a pattern with these hours and minutes, found by a scan of all minutes. */
export function instantsOf(
  minutes: readonly LocalMinute[],
  hours: readonly number[],
  minutesOfHour: readonly number[],
): number[] {
  if (hours.length === 1 && minutesOfHour.length === 1)
    return onceADay(minutes, hours[0]! * 60 + minutesOfHour[0]!)
  return minutes
    .filter(({ minute }) => hours.includes(Math.floor(minute / 60)) && minutesOfHour.includes(minute % 60))
    .map(({ at }) => at)
}

/** The first minute of each day that shows that time, or a later one if the clock skips it. */
function onceADay(minutes: readonly LocalMinute[], minute: number): number[] {
  const found: number[] = []
  for (const day of new Set(minutes.map((one) => one.day))) {
    const ofDay = minutes.filter((one) => one.day === day)
    const first = ofDay.find((one) => one.minute === minute) ?? ofDay.find((one) => one.minute > minute)
    // The first scanned day began before the scan.
    const isWhole = ofDay[0]!.at > minutes[0]!.at || ofDay[0]!.minute <= minute
    if (first !== undefined && isWhole) found.push(first.at)
  }
  return found
}

function offsetsOf(zone: string): (at: number) => number {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
  })
  return (at) => {
    const parts = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, Number(value)]))
    const { year, month, day, hour, minute } = parts as Record<string, number>
    return Date.UTC(year!, month! - 1, day, hour, minute) - at
  }
}
