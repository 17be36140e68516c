import { Notice } from '../parts/notice.tsx'

export function ActionsView() {
  return <Notice title="This view is being made" />
}
