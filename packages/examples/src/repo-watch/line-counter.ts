// What each process of the pool in line-counters.ts runs: a file comes, the name of it as the context, and how many of
// its lines are what goes back.
import { serve } from 'runutil/pool/child'
import { classify } from './lines.ts'

await serve(({ context, body }) => {
  const name = Buffer.from(context ?? []).toString()
  return JSON.stringify(classify(name, body ?? new Uint8Array()))
})
