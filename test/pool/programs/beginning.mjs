// Begins something for each task that the task doesn't wait for, and answers how much of it has been done.
import { serve } from 'runutil/pool/child'

let done = 0

async function something() {
  await undefined
  done++
}

await serve(() => {
  const answer = String(done)
  void something()
  return answer
})
