import { readFileSync, readdirSync } from 'node:fs'
import { basename, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const src = fileURLToPath(new URL('../../packages/runutil/src', import.meta.url))
const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((file) => /\.tsx?$/.test(file))

/** Which module may import from which others. */
const mayImport: Record<string, readonly string[]> = {
  core: [],
  runtime: ['core'],
  cron: ['core'],
  leases: ['core', 'cron'],
  queue: ['core'],
  coordinate: ['core'],
  dispatch: ['core'],
  pool: ['core'],
  http: ['core'],
  postgres: ['core', 'queue', 'coordinate', 'dispatch', 'leases', 'ops'],
  ops: ['core', 'runtime', 'cron', 'queue', 'coordinate', 'dispatch', 'leases', 'pool'],
  metrics: ['core', 'queue', 'coordinate', 'leases'],
  otel: ['core', 'runtime', 'queue', 'coordinate', 'leases', 'metrics'],
  prometheus: ['core', 'runtime', 'queue', 'coordinate', 'leases', 'metrics'],
  cli: ['core', 'cron', 'queue', 'leases', 'postgres', 'ops'],
  testing: ['core', 'queue', 'coordinate', 'dispatch', 'leases', 'pool', 'ops'],
}

/** Of a module with folders: which of them may import from which others, and from which modules. '' are its own files. */
const insideMayImport: Record<string, Record<string, readonly string[]>> = {
  pool: {
    '': ['relay', 'worker'],
    worker: ['relay', 'errors.ts'],
    child: ['relay'],
    relay: [],
  },
  postgres: {
    '': [],
    database: [],
    schema: ['database', '/queue', '/coordinate', '/dispatch', '/leases', '/ops'],
    statements: ['database', 'schema'],
    queue: ['statements', 'schema', 'database', '/queue'],
    coordinate: ['statements', 'schema', 'database', '/coordinate'],
    dispatch: ['statements', 'schema', 'database', '/dispatch'],
    leases: ['statements', 'schema', 'database', '/leases'],
    ops: ['statements', 'schema', 'database', '/ops'],
  },
}

/** What only some modules may touch. */
const reserved: [RegExp, readonly string[]][] = [
  [/\bDate\.now\(|\bnew Date\(\)/, ['core']],
  [/(?<![\w.])(setTimeout|setInterval|setImmediate)\((?!callback:)/, ['core']],
  [/\bMath\.random\(/, ['core']],
  // `leases` keeps a run's fencing number in one.
  [/\bAsyncLocalStorage\b/, ['core', 'leases']],
  [/\bprocess\.exitCode\b/, ['runtime', 'cli']],
  [/\bprocess\.(on|off)\b/, ['runtime', 'pool']],
  [/\bprocess\.exit\b/, ['runtime', 'pool']],
  [/from 'tsyringe'|'reflect-metadata'/, ['runtime']],
  [/'node:(child_process|net)'/, ['pool']],
  [/'node:http'/, ['ops']],
  [/'croner'/, ['cron']],
  [/'(commander|picocolors)'/, ['cli']],
  [/['"](pg|@electric-sql\/pglite)['"]/, ['postgres']],
  [/'@opentelemetry\/api'/, ['otel']],
  [/'prom-client'/, ['prometheus']],
  [/'node:assert/, ['testing']],
  // `log` in core/log.ts keeps lines short, and throws nothing.
  [/(ogger(\(\))?|[#.]log)\.(debug|info|warn|error|fatal)\(/, []],
  [/'vitest'|\bconsole\.|AbortSignal\.(any|timeout)\(|timers\/promises/, []],
]

/** A file of more lines is a sign that it holds two things. */
const MANY_LINES = 200
const MOST_LINES = 300

/** The command stands above all modules, and none may load it. */
const moduleOf = (file: string): string => {
  if (file.startsWith('ops/cli/')) return 'cli'
  return file.includes('/') ? file.split('/')[0]! : 'entry'
}
/** The folder inside of its module; '' of the module's own files. */
const folderOf = (file: string): string => file.split('/').slice(1, -1)[0] ?? ''
const isEntry = (file: string): boolean => basename(file) === 'index.ts'
/** Code for browsers, which have time and such of their own. */
const isPage = (file: string): boolean => file.startsWith('ops/page/')
/** Without comments, which may name what the code must not. */
const codeOf = (file: string): string =>
  readFileSync(join(src, file), 'utf8').replace(/\/\*[^]*?\*\/|(?<=^|\s)\/\/.*$/gm, '')

function importsOf(file: string): string[] {
  const paths = [...codeOf(file).matchAll(/(?:from|import)\s*\(?'(\.[^']+)'/g)].map((match) => match[1]!)
  return paths.map((path) => relative(src, join(src, file, '..', path)))
}

/** What a file inside of a module may name: its own folder, those next to it, modules (written '/name') and files. */
function isAllowedInside(from: string, to: string): boolean {
  const allowed = insideMayImport[moduleOf(from)]?.[folderOf(from)]
  if (allowed === undefined || moduleOf(to) === 'core') return true
  if (moduleOf(from) !== moduleOf(to)) {
    const modules = allowed.filter((name) => name.startsWith('/'))
    return moduleOf(from) !== 'postgres' || modules.includes(`/${moduleOf(to)}`)
  }
  return folderOf(from) === folderOf(to) || allowed.includes(folderOf(to)) || allowed.includes(basename(to))
}

/** Files that import each other, in the order in which each imports the next. */
function circles(): string[] {
  const found: string[] = []
  const done = new Set<string>()
  const walk = (file: string, path: string[]): void => {
    if (path.includes(file)) {
      found.push([...path.slice(path.indexOf(file)), file].join(' → '))
      return
    }
    if (done.has(file)) return
    for (const to of importsOf(file)) walk(to, [...path, file])
    done.add(file)
  }
  for (const file of files) walk(file, [])
  return found
}

describe('the house', () => {
  it('has these modules', () => {
    const modules = new Set(files.map(moduleOf))
    modules.delete('entry')
    expect(Object.keys(mayImport)).toEqual(expect.arrayContaining([...modules]))
    for (const [module, folders] of Object.entries(insideMayImport)) {
      const found = new Set(files.filter((file) => moduleOf(file) === module).map(folderOf))
      expect(Object.keys(folders)).toEqual(expect.arrayContaining([...found]))
    }
    expect(files.length).toBeGreaterThan(30)
  })

  it('imports only from modules next to it, and files instead of entry points', () => {
    const wrong = files.flatMap((file) =>
      importsOf(file)
        .filter((to) => {
          const from = moduleOf(file)
          const into = moduleOf(to)
          if (from === 'entry') return !['core', 'runtime'].includes(into) || isEntry(to)
          if (isEntry(to) || (from !== into && !mayImport[from]!.includes(into))) return true
          return !isEntry(file) && !isAllowedInside(file, to)
        })
        .map((to) => `${file} → ${to}`),
    )
    expect(wrong).toEqual([])
  })

  it('has no files that import each other in a circle', () => {
    expect(circles()).toEqual([])
  })

  it('keeps time, the process and the drivers in their modules', () => {
    const wrong = files
      .filter((file) => !isPage(file))
      .flatMap((file) =>
        reserved
          .filter(([pattern, modules]) => !modules.includes(moduleOf(file)) && pattern.test(codeOf(file)))
          .map(([pattern]) => `${file}: ${pattern}`),
      )
    expect(wrong).toEqual([])
  })

  it('sends browsers nothing of other modules, and makes text no HTML', () => {
    const values = /^import (?!type\b)[^;]*?from '(\.[^']+)'/gm
    const shared = [
      'ops/events/patch.ts',
      'ops/views/json-value.ts',
      'ops/views/tree-rows.ts',
      'ops/format.ts',
      'ops/encoded-path.ts',
    ]
    const wrong = files.filter(isPage).flatMap((file) => {
      const code = codeOf(file)
      const imported = [...code.matchAll(values)].map((match) =>
        relative(src, join(src, file, '..', match[1]!)),
      )
      const foreign = imported
        .filter((to) => !isPage(to) && !shared.includes(to))
        .map((to) => `${file} → ${to}`)
      return /innerHTML|\bstyle=/i.test(code) ? [...foreign, `${file}: HTML`] : foreign
    })
    expect(wrong).toEqual([])
  })

  it('re-exports in entry points only, and those have no logic', () => {
    expect(
      files.filter((file) => !isEntry(file) && /^export \*|^export \{[^}]*\} from/m.test(codeOf(file))),
    ).toEqual([])
    const statements = files.filter(isEntry).flatMap((file) =>
      codeOf(file)
        .split(/\n(?=\S)/)
        .map((line) => line.trim()),
    )
    expect(statements.filter((text) => !/^(export (type )?\{|\}|$)/.test(text))).toEqual([])
  })

  it(`has files of one concept: at most ${MOST_LINES} lines, none called by what says nothing`, () => {
    expect(files.filter((file) => /\/(utils?|helpers?|common|types|misc)\.tsx?$/.test(file))).toEqual([])
    const lines = (file: string): number => readFileSync(join(src, file), 'utf8').split('\n').length - 1
    const many = files.filter((file) => lines(file) > MANY_LINES)
    if (many.length > 0) console.warn(`over ${MANY_LINES} lines: ${many.join(', ')}`)
    expect(files.filter((file) => lines(file) > MOST_LINES)).toEqual([])
  })
})
