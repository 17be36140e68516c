/** Who hears of each run and job that begins in this process. One at a time, since it is asked for each of them. */
export const begunRuns: {
  /** Called with the name of its worker. */
  listener: ((worker: string) => void) | undefined
} = { listener: undefined }
