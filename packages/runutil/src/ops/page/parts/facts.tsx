import type { ComponentChildren } from 'preact'
import type { Progress } from '../../../core/progress.ts'
import type { AsJson } from '../../views/read-model.ts'
import { bytes, count, duration, number, words } from '../../format.ts'
import { Age } from './age.tsx'
import { ProgressBar } from './progress-bar.tsx'

export type FactRow = readonly [name: string, value: ComponentChildren]

/** Names and values beneath each other. What is undefined is left out. */
export function FactList({ rows }: { readonly rows: readonly FactRow[] }) {
  const known = rows.filter(([, value]) => value !== undefined && value !== null)
  if (known.length === 0) return null
  return (
    <dl class="facts">
      {known.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  )
}

/** Whatever a module tells of itself: with units by the names of its fields, lists as tables. */
export function Facts({ value }: { readonly value: unknown }) {
  if (!isObject(value)) return <FactValue name="" value={value} />
  const short = Object.entries(value).filter(([, one]) => !isLong(one))
  const long = Object.entries(value).filter(([, one]) => isLong(one))
  return (
    <>
      <FactList
        rows={short.map(([name, one]): FactRow => [nameOf(name), <FactValue name={name} value={one} />])}
      />
      {long.map(([name, one]) => (
        <section key={name} class="fact-list">
          <h4>
            {nameOf(name)} <span class="dim">{(one as unknown[]).length}</span>
          </h4>
          <FactTable label={nameOf(name)} rows={one as Readonly<Record<string, unknown>>[]} />
        </section>
      ))}
    </>
  )
}

/** The fields of objects of a list, each a column. */
function FactTable({
  label,
  rows,
}: {
  readonly label: string
  readonly rows: readonly Readonly<Record<string, unknown>>[]
}) {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))]
  return (
    <div class="table-box">
      <table class="table small" role="table" aria-label={label}>
        <thead role="rowgroup">
          <tr role="row">
            {names.map((name) => (
              <th key={name} role="columnheader" scope="col">
                {nameOf(name)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {rows.map((row, at) => (
            <tr key={at} role="row">
              {names.map((name) => (
                <td key={name} role="cell" data-title={nameOf(name)}>
                  {row[name] !== undefined && <FactValue name={name} value={row[name]} />}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function FactValue({ name, value }: { readonly name: string; readonly value: unknown }) {
  if (value === null || value === undefined) return <span class="unknown">unknown</span>
  if (typeof value === 'boolean') return <>{value ? 'yes' : 'no'}</>
  if (typeof value === 'number') return <span class="number">{numberIn(name, value)}</span>
  if (typeof value === 'string')
    return isTime(value) ? <Age at={value} /> : <TextValue name={name} text={value} />
  if (isProgress(value)) return <ProgressBar progress={value} />
  if (Array.isArray(value))
    return value.length === 0 ? <span class="dim">none</span> : <>{value.map(text).join(', ')}</>
  if (isObject(value)) return <Facts value={value} />
  return <>{text(value)}</>
}

function TextValue({ name, text: value }: { readonly name: string; readonly text: string }) {
  return IDENTIFIERS.has(name) ? <code title={value}>{value}</code> : <>{value}</>
}

/** What is compared letter by letter. */
const IDENTIFIERS = new Set(['id', 'traceId', 'pattern', 'lease', 'workerId'])

function numberIn(name: string, value: number): string {
  if (/(Ms|^ms)$/.test(name)) return duration(value)
  if (/(bytes|rss|heapUsed|external|memory)$/i.test(name)) return bytes(value)
  // A number that names something.
  if (/^(pid|fence|claim|port)$/.test(name)) return String(value)
  return Number.isInteger(value) ? count(value) : number(value)
}

function nameOf(name: string): string {
  return words(name.replace(/(?<=.)Ms$/, ''))
}

function isTime(value: string): boolean {
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(value)
}

function isProgress(value: unknown): value is AsJson<Progress> {
  return isObject(value) && typeof value['done'] === 'number' && typeof value['at'] === 'string'
}

function isLong(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0 && value.every(isObject)
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
