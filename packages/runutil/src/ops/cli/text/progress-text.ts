import type { Progress } from '../../../core/progress.ts'
import { count, percent } from '../../format.ts'
import type { AsJson } from '../../views/read-model.ts'

const LENGTH = 10

/** How far something has got: '████░░░░░░ 40 %, row 12', or '12 done' when it isn't known how much there is to do. */
export function progressText(progress: AsJson<Progress> | undefined): string {
  if (progress === undefined) return ''
  const { done, total, note } = progress
  const text = total === undefined || total <= 0 ? `${count(done)} done` : bar(done / total)
  return note === undefined ? text : `${text}, ${note}`
}

function bar(share: number): string {
  const full = Math.round(Math.min(1, Math.max(0, share)) * LENGTH)
  return `${'█'.repeat(full)}${'░'.repeat(LENGTH - full)} ${percent(share)}`
}
