import { Notice } from '../parts/notice.tsx'

export function LeasesView() {
  return <Notice title="This view is being made" />
}
