import type { Progress } from '../../../core/progress.ts'
import type { AsJson } from '../../views/read-model.ts'
import { count, percent } from '../../format.ts'

/** How far something has got, with its numbers. */
export function ProgressBar({ progress }: { readonly progress: AsJson<Progress> }) {
  const { done, total, note } = progress
  const text = total === undefined ? `${count(done)} done` : `${count(done)} of ${count(total)}`
  return (
    <span class="progress">
      {total !== undefined && total > 0 && (
        <progress value={done} max={total} aria-label={`${percent(done / total)} done`} />
      )}
      <span>
        {text}
        {note !== undefined && ` · ${note}`}
      </span>
    </span>
  )
}
