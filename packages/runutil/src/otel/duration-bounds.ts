/** Bounds of durations in seconds, as the semantic conventions advise. */
export const DURATION_BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]

/** For what may take an hour. */
export const LONG_DURATION_BOUNDS = [...DURATION_BOUNDS, 30, 60, 300, 900, 3_600]
