/** Of each worker of the chaos. Short, so that what a kill leaves behind is soon free. */
export const LEASE_MS = 2_000
