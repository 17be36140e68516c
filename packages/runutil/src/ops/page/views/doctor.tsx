import type { Finding, FindingLevel } from '../../doctor/finding.ts'
import type { Aged } from '../../views/read-model.ts'
import { words, counted } from '../../format.ts'
import { usePage } from '../page-context.ts'
import { AsOf } from '../parts/as-of.tsx'
import { ChoiceFilter, ClearFilters, FilterBar } from '../parts/filter-bar.tsx'
import { FailureNotice, Notice } from '../parts/notice.tsx'
import { StatusMark } from '../parts/status-mark.tsx'
import { useLoaded } from '../use-loaded.ts'

interface FindingPage extends Aged {
  readonly findings: readonly Finding[]
}

/** The worst first. */
const LEVELS: readonly FindingLevel[] = ['fail', 'warn', 'ok']
const TITLES: Readonly<Record<FindingLevel, string>> = {
  fail: 'Broken, or soon',
  warn: 'To look at when there is time',
  ok: 'In order',
}
const EVERY_MS = 15_000

/** What commonly goes wrong with a program and its database, as far as it does. */
export function DoctorView() {
  const { level: wanted } = usePage().route.fields
  const { value, failure, heardAt } = useLoaded<FindingPage>('doctor', {}, EVERY_MS)
  if (value === undefined) {
    return failure === undefined ? <Notice title="Looking …" /> : <FailureNotice failure={failure} />
  }
  const shown = LEVELS.filter((level) => wanted === undefined || level === wanted)
  const groups = shown.map((level) => ({
    level,
    findings: value.findings.filter((one) => one.level === level),
  }))
  return (
    <div class="list">
      <header class="part-head">
        <Summary findings={value.findings} />
        <AsOf heardAt={heardAt} ageMs={value.ageMs} failure={failure} />
      </header>
      <FilterBar label="Find findings">
        <ChoiceFilter name="level" label="Level" choices={LEVELS} />
        <ClearFilters names={['level']} />
      </FilterBar>
      {groups.every(({ findings }) => findings.length === 0) && <Notice title="Nothing of this level" />}
      {groups.map(({ level, findings }) => (
        <Findings key={level} level={level} findings={findings} />
      ))}
    </div>
  )
}

function Summary({ findings }: Pick<FindingPage, 'findings'>) {
  const bad = findings.filter(({ level }) => level !== 'ok').length
  return (
    <p>
      {bad === 0
        ? `All ${counted(findings.length, 'check')} are in order.`
        : `${counted(findings.length, 'check')}, of which ${bad} found something.`}
    </p>
  )
}

function Findings({
  level,
  findings,
}: {
  readonly level: FindingLevel
  readonly findings: readonly Finding[]
}) {
  if (findings.length === 0) return null
  return (
    <section class="part">
      <h2>
        {TITLES[level]} <span class="dim">{findings.length}</span>
      </h2>
      <ul class="findings">
        {findings.map((finding, at) => (
          <li key={`${finding.check} ${at}`} class={level}>
            <StatusMark status={level}>{words(finding.check).replaceAll('-', ' ')}</StatusMark>
            <div>
              <p>{finding.found}</p>
              {finding.hint !== undefined && <p class="dim">{finding.hint}</p>}
            </div>
          </li>
        ))}
      </ul>
    </section>
  )
}
