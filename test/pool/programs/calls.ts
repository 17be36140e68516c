// A worker whose handlers are called by name.
import { type Tools, reportProgress, serve } from 'runutil/pool/child'

let earlier: Tools | undefined

export const handlers = {
  add: ([a, b]: [number, number]): number => a + b,
  later: async ({ text }: { text: string }): Promise<{ text: string }> => {
    await new Promise((resolve) => setTimeout(resolve, 5))
    return { text: text.toUpperCase() }
  },
  nothing: (_: undefined): void => {},
  fail: (_: undefined): never => {
    throw new Error('no such thing')
  },
  odd:
    (_: undefined): unknown =>
    () => {},
  progress: (steps: number): void => {
    for (let step = 1; step <= steps; step++) reportProgress({ step })
  },
  // Also reports with what its last call was given.
  'report-twice': (name: string, tools: Tools): void => {
    earlier?.reportProgress(`late, in ${name}`)
    tools.reportProgress(name)
    earlier = tools
  },
}

await serve(handlers)
