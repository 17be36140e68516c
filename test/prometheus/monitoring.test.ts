import { readFileSync } from 'node:fs'
import { RunRecords } from '../../packages/runutil/src/core/worker-record.ts'
import { LabelNames } from '../../packages/runutil/src/metrics/label-names.ts'
import { AttemptMetrics, BacklogMetrics } from '../../packages/runutil/src/prometheus/job-metrics.ts'
import { WorkMetrics } from '../../packages/runutil/src/prometheus/work-metrics.ts'
import { WorkerMetrics } from '../../packages/runutil/src/prometheus/worker-metrics.ts'
import { VirtualClock } from 'runutil/testing'
import { describe, expect, it } from 'vitest'
import { parseExposition } from '../support/prometheus/parse-exposition.ts'

const docs = (name: string): string => readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8')

/** All that the exposition may have, with the labels of each name. */
function known(): Map<string, Set<string>> {
  const { root } = new RunRecords(new VirtualClock())
  const worker = root.newChild('/Pool')
  worker.kind = 'pool'
  worker.ran(0)
  worker.describe = () => ({ processes: [{ state: 'ready', rss: 1 }] })
  const wait = { count: 0, sumMs: 0, counts: { first: 0, counts: [] } }
  const names = new LabelNames()
  const workers = new WorkerMetrics()
  workers.set([worker])
  const attempts = new AttemptMetrics()
  attempts.set([{ kind: 'a', handle: {}, wait }], names)
  const backlog = new BacklogMetrics()
  backlog.set([], ['a'], names, 0)
  const work = new WorkMetrics()
  const units = [{ spec: 'sites/crawl', status: 'available', count: 1 }] as const
  work.set(units, [{ operation: 'update', state: 'running', count: 1 }])
  const families = [workers, attempts, backlog, work].flatMap((metrics) => metrics.families)
  const text = families.flatMap((family) => family.pieces()).join('')
  const labels = new Map<string, Set<string>>()
  for (const { samples } of parseExposition(text).values()) {
    for (const sample of samples) labels.set(sample.name, new Set(Object.keys(sample.labels)))
  }
  return labels
}

/** What Prometheus itself adds to each series. */
const TARGET = ['job', 'instance']

/** What is wrong with the names in an expression. */
function strangersIn(expression: string): string[] {
  const series = known()
  const metrics = Array.from(
    expression.matchAll(/(runutil_\w+)(?:\{([^}]*)\})?/g),
    ([, name = '', matchers = '']) => {
      const labels = series.get(name)
      if (labels === undefined) return [name]
      const given = Array.from(matchers.matchAll(/(\w+)(?:=~|!~|!=|=)"/g), ([, label = '']) => label)
      return given
        .filter((label) => !labels.has(label) && !TARGET.includes(label))
        .map((label) => `${name}{${label}}`)
    },
  )
  const all = new Set([...TARGET, ...[...series.values()].flatMap((labels) => [...labels])])
  const grouped = Array.from(expression.matchAll(/\b(?:by|on) \(([^)]*)\)/g), ([, list = '']) =>
    list.split(/,\s*/),
  )
  return [...metrics.flat(), ...grouped.flat().filter((label) => !all.has(label))]
}

interface Dashboard {
  readonly templating: { readonly list: readonly { readonly name: string; readonly definition?: string }[] }
  readonly panels: readonly {
    readonly id: number
    readonly title: string
    readonly targets?: readonly { readonly expr: string }[]
  }[]
}

describe('monitoring', () => {
  it('finds names and labels that are not there', () => {
    expect(strangersIn('rate(runutil_jobz[5m])')).toEqual(['runutil_jobz'])
    expect(strangersIn('sum by (kinds) (runutil_jobs{stat="waiting", job=~"a"})')).toEqual([
      'runutil_jobs{stat}',
      'kinds',
    ])
  })

  it('has a dashboard of what there is, and leaves nothing out', () => {
    const { panels, templating } = JSON.parse(docs('monitoring/grafana-dashboard.json')) as Dashboard
    const expressions = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))
    const queries = templating.list.flatMap(({ definition }) => definition ?? [])
    expect([...expressions, ...queries].flatMap(strangersIn)).toEqual([])
    const shown = new Set(
      expressions.flatMap((expression) => expression.match(/runutil_\w+/g) ?? []).map(base),
    )
    expect([...shown].sort()).toEqual([...new Set([...known().keys()].map(base))].sort())
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
  })

  it('has alerts of what there is', () => {
    const expressions = Array.from(
      docs('monitoring/alerts.yaml').matchAll(/^ +expr: (.+)$/gm),
      ([, text]) => text!,
    )
    const names = docs('monitoring/alerts.yaml').match(/- alert: \w+/g)!
    expect(expressions).toHaveLength(names.length)
    expect(expressions.flatMap(strangersIn)).toEqual([])
    // Each is explained in the manual.
    for (const name of names) expect(docs('monitoring.md')).toContain(`\`${name.slice(9)}\``)
  })

  it('is described with all names and labels', () => {
    const rows = Array.from(
      docs('monitoring.md').matchAll(/^\| `(runutil_\w+)` +\| ([^|]*)\|/gm),
      ([, name, labels]) => [name, labels!.match(/\w+/g) ?? []],
    )
    const families = [...known()].map(
      ([name, labels]) => [base(name), [...labels].filter((label) => label !== 'le')] as const,
    )
    expect(Object.fromEntries(rows)).toEqual(Object.fromEntries(families))
  })
})

function base(name: string): string {
  return name.replace(/_(bucket|sum|count)$/, '')
}
