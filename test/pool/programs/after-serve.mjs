// A worker that sends itself SIGTERM when it has been told to stop.
import { serve } from 'runutil/pool/child'

await serve(({ body }) => body)
process.kill(process.pid, 'SIGTERM')
setInterval(() => {}, 2 ** 30)
