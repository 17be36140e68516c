// A worker of serve that hasn't the token of its pool.
import { serve } from 'runutil/pool/child'

delete process.env.RUNUTIL_POOL
await serve(({ body }) => body)
