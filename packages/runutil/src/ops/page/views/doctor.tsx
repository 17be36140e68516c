import { Notice } from '../parts/notice.tsx'

export function DoctorView() {
  return <Notice title="This view is being made" />
}
