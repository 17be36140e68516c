import { LEASE_MS } from './settings.ts'

const LOOKS_EVERY_MS = 50
/** A renewal comes each quarter of a lease: this much doesn't cost one. */
export const WORTH_TELLING_MS = LEASE_MS / 8

/** Tells when the event loop stood still, in ms of the wall clock: the machine was busy, or a handler was. */
export function watchStalls(onStall: (from: number, to: number) => void): NodeJS.Timeout {
  let last = Date.now()
  return setInterval(() => {
    const now = Date.now()
    if (now - last > WORTH_TELLING_MS) onStall(last, now)
    last = now
  }, LOOKS_EVERY_MS).unref()
}
