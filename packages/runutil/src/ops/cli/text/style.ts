import picocolors from 'picocolors'
import type { Screen, Terminal } from '../terminal.ts'

/** What a part of a text means. */
export type Tone = 'plain' | 'ok' | 'busy' | 'warn' | 'bad' | 'dim' | 'strong' | 'selected'

/** Gives a text the colour of a tone; or leaves it as it is. */
export type Style = (tone: Tone, text: string) => string

export const NO_STYLE: Style = (_, text) => text

/** Colours, unless NO_COLOR is set or it is no terminal. */
export function styleFor(screen: Screen, env: Terminal['env']): Style {
  const isPlain = screen.isTTY !== true || (env['NO_COLOR'] ?? '') !== '' || env['TERM'] === 'dumb'
  if (isPlain) return NO_STYLE
  const colors = picocolors.createColors(true)
  const styles: Readonly<Record<Tone, (text: string) => string>> = {
    plain: (text) => text,
    ok: colors.green,
    busy: colors.cyan,
    warn: colors.yellow,
    bad: colors.red,
    dim: colors.dim,
    strong: colors.bold,
    selected: colors.inverse,
  }
  return (tone, text) => styles[tone](text)
}

const TONES: Readonly<Record<string, Tone>> = {
  ready: 'ok',
  done: 'ok',
  DONE: 'ok',
  ok: 'ok',
  starting: 'busy',
  stopping: 'busy',
  running: 'busy',
  RUNNING: 'busy',
  paused: 'warn',
  warn: 'warn',
  restarting: 'bad',
  hung: 'bad',
  failed: 'bad',
  abandoned: 'bad',
  FAILED: 'bad',
  PANIC: 'bad',
  fail: 'bad',
}

/** Of a state, a status or a level, by its word. */
export function toneOf(word: string): Tone {
  return Object.hasOwn(TONES, word) ? TONES[word]! : 'plain'
}
