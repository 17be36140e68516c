import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import { isThere } from '../support/pool/interpreters.ts'
import { Program } from '../support/program.ts'
import { COMPILED, compile } from '../support/readme/compile.ts'
import {
  anchorsOf,
  commandsOf,
  excerptsOf,
  filesOf,
  linksOf,
  modulesOf,
  peersOf,
  programsOf,
} from '../support/readme/page.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const MANUAL = readdirSync(join(ROOT, 'docs')).filter((page) => page.endsWith('.md'))
const PAGES = [
  'README.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'packages/examples/README.md',
  ...MANUAL.map((page) => `docs/${page}`),
]
/** What npm shows: README.md, with links from where it lies. */
const PACKAGE_README = 'packages/runutil/README.md'

const json = (path: string): Record<string, object> =>
  JSON.parse(readFileSync(ROOT + path, 'utf8')) as Record<string, object>
const workspace = json('package.json')
const published = json('packages/runutil/package.json')

describe('the programs of the pages', () => {
  const programs = PAGES.flatMap(programsOf)
  let complaints: string[]
  beforeAll(() => {
    complaints = compile(programs, PAGES.flatMap(filesOf))
  })

  it('compile', () => {
    expect(complaints).toEqual([])
  })

  it.concurrent.for(programs)('$name prints what the page says and ends', async (program, { skip }) => {
    skip(program.code.includes("'python3'") && !isThere('python3'))
    const { code, output, errors } = await new Program({ path: `${COMPILED}/${program.name}.js` }).exit

    expect({ code, errors }).toEqual({ code: 0, errors: [] })
    expectLines(output, program.prints)
  })
})

/**
 * All lines, each writer's in their order: pino and console.log share a pipe, not a queue. Starts and stops of workers only where the
 * page shows them.
 */
function expectLines(all: readonly string[], prints: readonly string[]): void {
  const showsStarts = prints.some((line) => STARTS.test(line))
  const output = all.filter((line) => showsStarts || !isStart(line))
  expect(output.map(asOnPage).sort()).toEqual([...prints].sort())
  for (const logged of [true, false]) {
    const lines = output.filter((line) => line.startsWith('{"level"') === logged).map(asOnPage)
    expect(lines).toEqual(prints.filter((line) => lines.includes(line)))
  }
}

const STARTS = /^\/\S+ (started|stopped|done)$/

function isStart(line: string): boolean {
  return line.startsWith('{"level":30') && STARTS.test(asOnPage(line))
}

/** Of a line that pino logs, a page shows the worker's name, the message and the error. */
function asOnPage(line: string): string {
  if (!line.startsWith('{"level"')) return line
  const { worker, msg, err } = JSON.parse(line) as { worker?: string; msg: string; err?: Error }
  return `${worker === undefined ? '' : `${worker} `}${msg}${err === undefined ? '' : `: ${err.message}`}`
}

describe.for(PAGES)('%s', (page) => {
  it('names commands that exist', () => {
    for (const command of commandsOf(page)) expect(command).toSatisfy(exists)
  })

  it('links to files and headings that exist', () => {
    const missing = linksOf(page).filter(({ path, anchor }) => {
      const target = path === '' ? page : join(dirname(page), path)
      if (!existsSync(join(ROOT, target))) return true
      return anchor !== undefined && !anchorsOf(target).includes(anchor)
    })
    expect(missing).toEqual([])
  })

  it('shows parts of examples as they are', () => {
    for (const { file, parts } of excerptsOf(page)) {
      const source = readFileSync(join(ROOT, file), 'utf8')
      const places = parts.map((part) => source.indexOf(part))
      expect(places, `${page}: ${file}`).not.toContain(-1)
      expect([...places].sort((a, b) => a - b)).toEqual(places)
    }
  })
})

it('each page of the manual is in its index', () => {
  const listed = linksOf('docs/README.md').map(({ path }) => path)
  expect(MANUAL.filter((page) => page !== 'README.md' && !listed.includes(page))).toEqual([])
})

/** `npx … pnpm … <script>`, or the installation of the package with all it can't do without, or of an optional peer. */
function exists(command: string): boolean {
  const script = /^npx -y pnpm@10\.34\.9 (?:run )?([\w:-]+)/.exec(command)?.[1]
  if (script !== undefined) return script in workspace['scripts']!
  const optional = Object.keys(published['peerDependenciesMeta']!)
  const peers = Object.keys(published['peerDependencies']!).filter((name) => !optional.includes(name))
  const installed = /^npm i (.*)/.exec(command)?.[1]?.split(' ') ?? []
  return [['runutil', ...peers], ...optional.map((name) => [name])].some(
    (names) => sorted(names) === sorted(installed),
  )
}

function sorted(names: string[]): string {
  return [...names].sort().join(' ')
}

describe('README.md', () => {
  it('is short', () => {
    expect(readFileSync(`${ROOT}README.md`, 'utf8').split('\n').length).toBeLessThanOrEqual(250)
  })

  it('has all that the package exports in its table of modules', () => {
    const exported = Object.keys(published['exports']!)
      .filter((path) => path !== './package.json')
      .map((path) => path.replace(/^\./, 'runutil'))

    expect(modulesOf('README.md').sort()).toEqual(exported.sort())
  })

  it('has the packages to install beside it, with their versions', () => {
    expect(peersOf('README.md')).toEqual(published['peerDependencies'])
  })

  it('is what npm shows, by links that work from the folder of the package', async () => {
    const text = readFileSync(`${ROOT}README.md`, 'utf8')
    const there = text.replace(/\]\((?!https?:|#)/g, '](../../')
    await expect(there).toMatchFileSnapshot(ROOT + PACKAGE_README)
  })
})
