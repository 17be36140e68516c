import { readFileSync, readdirSync } from 'node:fs'
import { basename, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const src = fileURLToPath(new URL('../../packages/runutil/src', import.meta.url))
const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))

/** Which room may import from which others. */
const mayImport: Record<string, readonly string[]> = {
  core: [],
  runtime: ['core'],
  queue: ['core'],
  coordinate: ['core'],
  dispatch: ['core'],
  pool: ['core'],
  postgres: ['core', 'queue', 'coordinate', 'dispatch', 'runtime'],
  testing: ['core', 'queue', 'coordinate', 'pool', 'dispatch'],
}

/** What only some rooms may touch. */
const reserved: [RegExp, readonly string[]][] = [
  [/\bDate\.now\(|\bnew Date\(\)/, ['core']],
  [/(?<![\w.])(setTimeout|setInterval|setImmediate)\((?!callback:)/, ['core']],
  [/\bMath\.random\(/, ['core']],
  [/\bAsyncLocalStorage\b/, ['core']],
  // `pool/child` is what a worker's own process runs.
  [/\bprocess\.(on|off|exitCode)\b/, ['runtime']],
  [/\bprocess\.exit\b/, ['runtime', 'pool']],
  [/from 'tsyringe'|'reflect-metadata'/, ['runtime']],
  [/'node:(child_process|net)'/, ['pool']],
  [/['"](pg|@electric-sql\/pglite)['"]/, ['postgres']],
  [/'node:assert/, ['testing']],
  [/'vitest'|\bconsole\.|AbortSignal\.(any|timeout)\(|timers\/promises/, []],
]

const roomOf = (file: string): string => (file.includes('/') ? file.split('/')[0]! : 'door')
const isDoor = (file: string): boolean => basename(file) === 'index.ts'
/** Without comments, which may name what the code must not. */
const codeOf = (file: string): string =>
  readFileSync(join(src, file), 'utf8').replace(/\/\*[^]*?\*\/|(?<=^|\s)\/\/.*$/gm, '')

function importsOf(file: string): string[] {
  const paths = [...codeOf(file).matchAll(/(?:from|import)\s*\(?'(\.[^']+)'/g)].map((match) => match[1]!)
  return paths.map((path) => relative(src, join(src, file, '..', path)))
}

describe('the house', () => {
  it('has these rooms', () => {
    const rooms = new Set(files.map(roomOf))
    rooms.delete('door')
    expect(Object.keys(mayImport)).toEqual(expect.arrayContaining([...rooms]))
    expect(files.length).toBeGreaterThan(30)
  })

  it('imports only from rooms next to it, and files instead of doors', () => {
    const wrong = files.flatMap((file) =>
      importsOf(file)
        .filter((to) => {
          const [from, into] = [roomOf(file), roomOf(to)]
          if (from === 'door') return !['core', 'runtime'].includes(into) || isDoor(to)
          return isDoor(to) || (from !== into && !mayImport[from]!.includes(into))
        })
        .map((to) => `${file} → ${to}`),
    )
    expect(wrong).toEqual([])
  })

  it('keeps time, the process and the drivers in their rooms', () => {
    const wrong = files.flatMap((file) =>
      reserved
        .filter(([pattern, rooms]) => !rooms.includes(roomOf(file)) && pattern.test(codeOf(file)))
        .map(([pattern]) => `${file}: ${pattern}`),
    )
    expect(wrong).toEqual([])
  })

  it('re-exports in doors only, and doors have no logic', () => {
    expect(
      files.filter((file) => !isDoor(file) && /^export \*|^export \{[^}]*\} from/m.test(codeOf(file))),
    ).toEqual([])
    const statements = files.filter(isDoor).flatMap((file) =>
      codeOf(file)
        .split(/\n(?=\S)/)
        .map((line) => line.trim()),
    )
    expect(statements.filter((text) => !/^(export (type )?\{|\}|$)/.test(text))).toEqual([])
  })

  it('has files of one concept: at most 200 lines, none called by what says nothing', () => {
    expect(files.filter((file) => /\/(utils?|helpers?|common|types|misc)\.ts$/.test(file))).toEqual([])
    expect(files.filter((file) => readFileSync(join(src, file), 'utf8').split('\n').length > 201)).toEqual([])
  })
})
