import { Notice } from '../parts/notice.tsx'

export function QueueView() {
  return <Notice title="This view is being made" />
}
