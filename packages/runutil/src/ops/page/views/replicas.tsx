import { Notice } from '../parts/notice.tsx'

export function ReplicasView() {
  return <Notice title="This view is being made" />
}
