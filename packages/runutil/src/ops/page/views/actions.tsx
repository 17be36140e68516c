import { usePage } from '../page-context.ts'
import { ListAndPane } from '../parts/pane.tsx'
import { Tabs } from '../parts/tabs.tsx'
import { count } from '../../format.ts'
import { ActionList } from './action-list.tsx'
import { ActionPane } from './action-pane.tsx'
import { LiveWorkerList, useLiveWorkers } from './live-worker-list.tsx'

/** Actions on devices, the newest first, and the workers that perform them. */
export function ActionsView() {
  const { fields, selected } = usePage().route
  const workers = useLiveWorkers()
  const list = (
    <>
      <Tabs
        label="What of dispatch"
        name="list"
        choices={[
          ['actions', 'Actions'],
          ['workers', workers === undefined ? 'Live workers' : `Live workers (${count(workers.length)})`],
        ]}
      />
      {fields['list'] === 'workers' ? <LiveWorkerList workers={workers} /> : <ActionList />}
    </>
  )
  return (
    <ListAndPane
      list={list}
      pane={selected === undefined ? undefined : <ActionPane key={selected} id={selected} />}
    />
  )
}
