import type { Duration, Token } from 'runutil'

/** What the workers of repo-watch are told. Injected as `WATCH_SETTINGS`: an interface can't be a token. */
export interface WatchSettings {
  /** How often to look. */
  every: Duration
}

export const WATCH_SETTINGS: Token = Symbol('WatchSettings')
