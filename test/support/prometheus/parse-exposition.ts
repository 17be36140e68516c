interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export interface Family {
  readonly type: string
  readonly help: string
  readonly samples: readonly Sample[]
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*'
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,(?=[a-zA-Z_])|$)/y
const SUFFIXES: Readonly<Record<string, readonly string[]>> = { histogram: ['_bucket', '_sum', '_count'] }

/**
 * Reads the text format of Prometheus as strictly as it is written down: each family once, with help and type first and its samples
 * together, no series twice, histograms whose buckets grow and end with the count.
 */
export function parseExposition(text: string): Map<string, Family> {
  const families = new Map<string, Family & { samples: Sample[] }>()
  const lines = text.split('\n')
  if (lines.pop() !== '') throw new Error('the text does not end with a line feed')
  let current: { name: string; help: string; type?: string } | undefined
  for (const line of lines.filter((one) => one !== '')) {
    const [, kind, name = '', rest = ''] = new RegExp(`^# (HELP|TYPE) (${NAME}) (.*)$`).exec(line) ?? []
    if (kind === 'HELP') {
      if (families.has(name)) throw new Error(`${name} is there twice`)
      current = { name, help: rest }
    } else if (kind === 'TYPE') {
      if (current?.name !== name || current.type !== undefined)
        throw new Error(`TYPE without its HELP: ${line}`)
      if (!['counter', 'gauge', 'histogram', 'summary'].includes(rest))
        throw new Error(`unknown type: ${line}`)
      current.type = rest
      families.set(name, { type: rest, help: current.help, samples: [] })
    } else {
      const sample = sampleOf(line)
      const family = current && families.get(current.name)
      const names = (SUFFIXES[family?.type ?? ''] ?? ['']).map((suffix) => `${current?.name}${suffix}`)
      if (!names.includes(sample.name)) throw new Error(`a sample of no family, or of another: ${line}`)
      family!.samples.push(sample)
    }
  }
  for (const [name, { type, samples }] of families) check(name, type, samples)
  return families
}

/** The value of the one series of that name with these labels and no others, but for a histogram's `le`. */
export function valueOf(
  families: ReadonlyMap<string, Family>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  const family = families.get(name) ?? families.get(name.replace(/_(bucket|sum|count)$/, ''))
  return family?.samples.find((sample) => sample.name === name && keyOf(sample.labels) === keyOf(labels))
    ?.value
}

function sampleOf(line: string): Sample {
  const [, name, braces = '', text] = new RegExp(`^(${NAME})(?:\\{(.*)\\})? (\\S+)$`).exec(line) ?? []
  if (name === undefined || text === undefined) throw new Error(`neither comment nor sample: ${line}`)
  const labels: Record<string, string> = {}
  LABEL.lastIndex = 0
  while (LABEL.lastIndex < braces.length) {
    const [, label, value] = LABEL.exec(braces) ?? []
    if (label === undefined || value === undefined || label in labels)
      throw new Error(`wrong labels: ${line}`)
    labels[label] = value.replace(/\\(.)/g, (_, letter: string) => (letter === 'n' ? '\n' : letter))
  }
  const value = text === '+Inf' ? Infinity : Number(text)
  if (Number.isNaN(value)) throw new Error(`no number: ${line}`)
  return { name, labels, value }
}

function check(name: string, type: string, samples: readonly Sample[]): void {
  if (samples.length === 0) throw new Error(`${name} has no series`)
  const keys = samples.map((sample) => `${sample.name}${keyOf(sample.labels)}`)
  if (new Set(keys).size !== keys.length) throw new Error(`a series of ${name} is there twice`)
  if (type === 'counter' && !name.endsWith('_total'))
    throw new Error(`counter ${name} doesn't end with _total`)
  if (type === 'histogram') checkHistogram(name, samples)
}

function checkHistogram(name: string, samples: readonly Sample[]): void {
  const series = new Map<string, Sample[]>()
  for (const sample of samples) {
    const labels = Object.fromEntries(Object.entries(sample.labels).filter(([label]) => label !== 'le'))
    series.set(keyOf(labels), [...(series.get(keyOf(labels)) ?? []), sample])
  }
  for (const [labels, its] of series) {
    const buckets = its.filter((sample) => sample.name === `${name}_bucket`)
    const count = its.find((sample) => sample.name === `${name}_count`)?.value
    const bounds = buckets.map(({ labels: { le } }) => (le === '+Inf' ? Infinity : Number(le)))
    const grows = (values: readonly number[]): boolean =>
      values.every((value, at) => at === 0 || value >= values[at - 1]!)
    if (!grows(bounds) || bounds.at(-1) !== Infinity) throw new Error(`wrong bounds of ${name}${labels}`)
    if (!grows(buckets.map(({ value }) => value))) throw new Error(`buckets of ${name}${labels} don't grow`)
    if (buckets.at(-1)!.value !== count)
      throw new Error(`${name}${labels} has another count than its last bucket`)
    if (!its.some((sample) => sample.name === `${name}_sum`)) throw new Error(`${name}${labels} has no sum`)
  }
}

function keyOf(labels: Readonly<Record<string, string>>): string {
  return JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)))
}
