// A worker of serve that runs as another user than its pool.
import { serve } from 'runutil/pool/child'

process.setgid(65534)
process.setuid(65534)
await serve(() => String(process.getuid()))
