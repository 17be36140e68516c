import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** A program that a page shows, and what the page says it prints. */
export interface PageProgram {
  /** For example 'README-3': the third of README.md. */
  name: string
  code: string
  /** The lines of the block ```text after it; none when it has none. */
  prints: string[]
  /** Says so in a comment before it: the others run as tsx compiles them, which emits none. */
  needsMetadata: boolean
}

/** A file beside the programs of a page. */
export interface PageFile {
  name: string
  text: string
}

/** Part of a file that a page shows: it says so in a comment before it, and the file is run elsewhere. */
interface Excerpt {
  /** From the root of the workspace. */
  file: string
  /** In the order of the file, between lines `// …` for what is left out. */
  parts: string[]
}

interface Link {
  /** As it is written, relative to the page; '' for the page itself. */
  path: string
  /** Without #. */
  anchor: string | undefined
}

const FROM = 'from '

function readPage(path: string): string {
  return readFileSync(fileURLToPath(new URL(`../../../${path}`, import.meta.url)), 'utf8')
}

/** The blocks ```ts of a page, without excerpts. */
export function programsOf(path: string): PageProgram[] {
  return blocksOf(path)
    .filter(({ comment }) => !comment.startsWith(FROM))
    .map(({ comment, code, prints }, at) => ({
      name: `${path.replace(/\.md$/, '').replaceAll('/', '-')}-${at + 1}`,
      code,
      prints: prints.split('\n').filter((line) => line !== ''),
      needsMetadata: comment === 'needs decorator metadata',
    }))
}

/** The files that programs of a page use: blocks ```python, each with its name in a comment before it. */
export function filesOf(path: string): PageFile[] {
  const blocks = readPage(path).matchAll(/<!-- (\S+\.py) -->\s+```python\n(.*?)```/gs)
  return Array.from(blocks, ([, name, text]) => ({ name: name!, text: text! }))
}

export function excerptsOf(path: string): Excerpt[] {
  return blocksOf(path)
    .filter(({ comment }) => comment.startsWith(FROM))
    .map(({ comment, code }) => ({
      file: comment.slice(FROM.length),
      parts: code.split(/^\/\/ …\n/m).map((part) => part.trim()),
    }))
}

function blocksOf(path: string): { comment: string; code: string; prints: string }[] {
  const block = /(?:<!-- ([^\n]+) -->\s+)?```ts\n(.*?)```\n(?:(?:\n[^\n`#]+\n)?\n```text\n(.*?)```)?/gs
  return Array.from(readPage(path).matchAll(block), ([, comment = '', code, prints = '']) => {
    return { comment, code: code!, prints }
  })
}

/** The lines of all blocks ```sh of a page, without what follows a #. */
export function commandsOf(path: string): string[] {
  return Array.from(readPage(path).matchAll(/```sh\n(.*?)```/gs), ([, block]) => block!.split('\n'))
    .flat()
    .map((line) => line.replace(/ +#.*/, ''))
    .filter((line) => line !== '')
}

/** A command of a console, and what it prints there. */
export interface Dialogue {
  command: string
  prints: string[]
}

/** The commands of all blocks ```console of a page, in their order; without empty lines. */
export function dialoguesOf(path: string): Dialogue[] {
  const blocks = Array.from(readPage(path).matchAll(/```console\n(.*?)```/gs), ([, block]) => block!)
  return blocks.flatMap((block) =>
    block
      .split(/^\$ /m)
      .slice(1)
      .map((text) => {
        const [command = '', ...prints] = text.split('\n').filter((line) => line !== '')
        return { command, prints }
      }),
  )
}

/** Where the links of a page go, those to other sites left out. */
export function linksOf(path: string): Link[] {
  const links = textOf(path).matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)/g)
  return Array.from(links, ([, target, anchor]) => ({ path: target!, anchor }))
}

/** What a link to a heading of a page may name, as GitHub makes it of the heading. */
export function anchorsOf(path: string): string[] {
  const headings = Array.from(textOf(path).matchAll(/^#+ (.*)$/gm), ([, heading]) => heading!)
  const seen = new Map<string, number>()
  return headings.map((heading) => {
    const slug = heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-')
    const before = seen.get(slug) ?? 0
    seen.set(slug, before + 1)
    return before === 0 ? slug : `${slug}-${before}`
  })
}

function textOf(path: string): string {
  return readPage(path).replace(/^ *```.*?^ *```/gms, '')
}

/** What the first column of the table of modules names. */
export function modulesOf(path: string): string[] {
  return Array.from(readPage(path).matchAll(/^\| `(runutil\S*)`/gm), ([, name]) => name!)
}

/** What the table of packages to install names: versions by name. */
export function peersOf(path: string): Record<string, string> {
  const rows = readPage(path).matchAll(/^\| `([^`]+)` +\| `([~^][^`]+)` +\|/gm)
  return Object.fromEntries(Array.from(rows, ([, name, range]) => [name!, range!.replaceAll('\\|', '|')]))
}
