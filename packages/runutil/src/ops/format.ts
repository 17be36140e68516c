/** What operators see of what isn't known. */
export const UNKNOWN = 'unknown'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** '340 µs', '12 ms', '4.2 s', '3 m 20 s', '2 h 05 m', '3 d 4 h'. @param ms undefined: unknown */
export function duration(ms: number | undefined): string {
  if (ms === undefined || !Number.isFinite(ms)) return UNKNOWN
  const length = Math.abs(ms)
  if (length < 1) return length === 0 ? '0 ms' : `${Math.max(1, Math.round(length * 1_000))} µs`
  if (length < 10) return `${trimmed(length)} ms`
  if (length < 999.5) return `${Math.round(length)} ms`
  if (length < 9_950) return `${trimmed(length / SECOND)} s`
  return wholeDuration(length)
}

function wholeDuration(ms: number): string {
  const seconds = Math.round(ms / SECOND)
  if (seconds < 60) return `${seconds} s`
  if (ms < 10 * MINUTE) return pair(Math.floor(seconds / 60), 'm', seconds % 60, 's')
  if (ms < HOUR - 30 * SECOND) return `${Math.round(ms / MINUTE)} m`
  const minutes = Math.round(ms / MINUTE)
  if (ms < DAY - 30 * SECOND) return pair(Math.floor(minutes / 60), 'h', minutes % 60, 'm')
  const hours = Math.round(ms / HOUR)
  return hours < 240 ? pair(Math.floor(hours / 24), 'd', hours % 24, 'h') : `${count(Math.round(ms / DAY))} d`
}

function pair(more: number, unit: string, less: number, smaller: string): string {
  return less === 0 ? `${more} ${unit}` : `${more} ${unit} ${less} ${smaller}`
}

/** How long ago, or in how long: in whole seconds, so that it stands still between two of them. */
export function age(at: number | undefined, now: number): string {
  if (at === undefined || !Number.isFinite(at)) return UNKNOWN
  const ms = now - at
  if (Math.abs(ms) < SECOND) return 'now'
  const length = wholeDuration(Math.floor(Math.abs(ms) / SECOND) * SECOND)
  return ms > 0 ? `${length} ago` : `in ${length}`
}

/** '12 B', '4.0 KiB', '64 KiB', '4.0 MiB'. */
export function bytes(size: number | undefined): string {
  if (size === undefined || !Number.isFinite(size)) return UNKNOWN
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let value = size
  let at = 0
  while (Math.abs(value) >= 1_023.5 && at < units.length - 1) {
    value /= 1_024
    at++
  }
  return `${at > 0 && Math.abs(value) < 9.95 ? value.toFixed(1) : count(Math.round(value))} ${units[at]}`
}

/** '1,234'. */
export function count(value: number | undefined): string {
  return value === undefined ? UNKNOWN : value.toLocaleString('en')
}

/** The most that the queue counts to. */
const MOST_COUNTED = 10_000

/** Of a count that ends at 10,001, which stands for all above 10,000. */
export function bounded(value: number | undefined): string {
  return value !== undefined && value > MOST_COUNTED ? `${count(MOST_COUNTED)}+` : count(value)
}

/** Of a share from 0 to 1. */
export function percent(share: number | undefined): string {
  if (share === undefined || !Number.isFinite(share)) return UNKNOWN
  const value = share * 100
  return `${value > 0 && value < 9.95 ? trimmed(value) : Math.round(value)} %`
}

/** '12', '1.5', '0.04': three digits at most. */
export function number(value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return UNKNOWN
  return value.toLocaleString('en', { maximumSignificantDigits: Math.abs(value) < 1_000 ? 3 : 15 })
}

/** '2030-01-31 12:00:05', in the time zone of who looks. */
export function time(at: string | number | undefined): string {
  const date = new Date(at ?? NaN)
  if (Number.isNaN(date.getTime())) return UNKNOWN
  const two = (value: number): string => String(value).padStart(2, '0')
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
}

/** '12:00', in the time zone of who looks. */
export function clockTime(at: number): string {
  return time(at).slice(11, 16)
}

/** In ms since the epoch; undefined for what is no time. */
export function instant(at: string | undefined): number | undefined {
  const ms = Date.parse(at ?? '')
  return Number.isNaN(ms) ? undefined : ms
}

export function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? ''
}

/** '1 job', '2 jobs'. */
export function counted(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`
}

/** 'lastRun' → 'last run'. */
export function words(name: string): string {
  return name.replaceAll(/(?<=[a-z0-9])[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
}

function trimmed(value: number): string {
  return value.toFixed(1).replace(/\.0$/, '')
}
