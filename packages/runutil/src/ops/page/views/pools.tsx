import { Notice } from '../parts/notice.tsx'

export function PoolsView() {
  return <Notice title="This view is being made" />
}
