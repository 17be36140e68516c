import type { Duration, Token } from 'runutil'

/** Settings of the workers of repo-watch. Injected as `WATCH_SETTINGS`, since an interface cannot be a token. */
export interface WatchSettings {
  /** How often to look. */
  every: Duration
}

export const WATCH_SETTINGS: Token = Symbol('WatchSettings')
