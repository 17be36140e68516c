// A worker as runutil's users write it.
import { serve } from 'runutil/pool/child'

await serve(({ body }) => body)
