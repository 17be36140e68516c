import { duration, instant, time } from '../../format.ts'
import { Age, For } from '../parts/age.tsx'
import { AsOf } from '../parts/as-of.tsx'
import { type FactRow, FactList } from '../parts/facts.tsx'
import { Link } from '../parts/link.tsx'
import { LongText } from '../parts/long-text.tsx'
import { FailureNotice, Notice } from '../parts/notice.tsx'
import { Pane } from '../parts/pane.tsx'
import { StatusMark } from '../parts/status-mark.tsx'
import { useLoaded } from '../use-loaded.ts'
import { type ActionPage, type ShownAction, readable } from './action.ts'

const EVERY_MS = 2_000

/** One action: only shown, since what was done to a device can't be taken back. */
export function ActionPane({ id }: { readonly id: string }) {
  const { value, failure, heardAt } = useLoaded<ActionPage>('actions', { id }, EVERY_MS)
  const action = value?.actions[0]
  return (
    <Pane
      label={action === undefined ? 'Action' : `Action ${action.operation}`}
      title={id}
      subtitle={
        action !== undefined && (
          <p>
            <StatusMark status={action.status} />{' '}
            <AsOf heardAt={heardAt} ageMs={value?.ageMs} failure={failure} />
          </p>
        )
      }
    >
      {value === undefined && failure !== undefined && <FailureNotice failure={failure} />}
      {value !== undefined && action === undefined && (
        <Notice title="There is no such action">It was removed from the ledger, or never in it.</Notice>
      )}
      {action !== undefined && <ActionFacts action={action} />}
    </Pane>
  )
}

function ActionFacts({ action }: { readonly action: ShownAction }) {
  const { input, output, error, inputBytes, outputBytes } = action
  return (
    <>
      <FactList rows={factsOf(action)} />
      {error !== undefined && <LongText label="Error" text={error} />}
      {input !== undefined && <LongText label="Input" text={readable(input)} wholeBytes={inputBytes} />}
      {output !== undefined && <LongText label="Output" text={readable(output)} wholeBytes={outputBytes} />}
    </>
  )
}

function factsOf({ target, host, status, createdAt, updatedAt }: ShownAction): FactRow[] {
  const took = (instant(updatedAt) ?? NaN) - (instant(createdAt) ?? NaN)
  const ofTarget = { fields: { target }, selected: undefined }
  return [
    ['target', <Link to={ofTarget}>{target}</Link>],
    ['host', host],
    [
      'created',
      <>
        {time(createdAt)}{' '}
        <span class="dim">
          (<Age at={createdAt} />)
        </span>
      </>,
    ],
    ['running for', status === 'running' ? <For since={createdAt} /> : undefined],
    ['took', status === 'running' ? undefined : duration(took)],
    ['last change', <Age at={updatedAt} />],
  ]
}
