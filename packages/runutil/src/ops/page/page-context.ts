import { createContext } from 'preact'
import { useContext } from 'preact/hooks'
import type { Session } from './api.ts'
import { type Live, noLive } from './live.ts'
import type { Question } from './parts/confirm-dialog.tsx'
import { type Route, type RouteChange, routeOf } from './router.ts'

/** What every part of the page may use. */
export interface Page {
  readonly session: Session
  readonly route: Route
  /** Shows something else. @param replace without another entry in the history, as for each letter of a filter */
  go(change: RouteChange, replace?: boolean): void
  /** The address of that, for links. */
  href(change: RouteChange): string
  /** Tells what came of a call. */
  tell(outcome: Outcome): void
  /** Asks before something is done that can't be undone. */
  confirm(question: Question): Promise<boolean>
  signOut(): Promise<void>
  /** Asks the server again who uses the page. */
  checkSession(): void
  /** Asks for a token. */
  askToken(): void
}

/** What came of a call. */
export interface Outcome {
  readonly ok: boolean
  readonly text: string
}

const NOBODY: Session = { role: 'none', name: '', session: false, tokens: false }

export const PageContext = createContext<Page>({
  session: NOBODY,
  route: routeOf(''),
  go: () => {},
  href: () => '',
  tell: () => {},
  confirm: () => Promise.resolve(false),
  signOut: () => Promise.resolve(),
  checkSession: () => {},
  askToken: () => {},
})

export const LiveContext = createContext<Live>(noLive(0))

/** By the clock of the server, once a second. */
export const NowContext = createContext(0)

export function usePage(): Page {
  return useContext(PageContext)
}

/** What goes on, as the stream brings it. */
export function useLive(): Live {
  return useContext(LiveContext)
}

/** The time now by the server's clock, in ms since the epoch; another one each second. */
export function useNow(): number {
  return useContext(NowContext)
}

/** Whether the user may change things: whoever only reads is shown no buttons. */
export function useMayChange(): boolean {
  return usePage().session.role === 'control'
}
