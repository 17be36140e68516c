/** How many programs a property test runs, and their seed. To run more, or to repeat a failure: PROGRAMS=10000 SEED=7. */
export const numRuns = Number(process.env.PROGRAMS ?? 250)
export const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31)
