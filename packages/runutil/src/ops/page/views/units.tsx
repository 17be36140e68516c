import { Notice } from '../parts/notice.tsx'

export function UnitsView() {
  return <Notice title="This view is being made" />
}
