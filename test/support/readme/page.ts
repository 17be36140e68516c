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

function readPage(path: string): string {
  return readFileSync(fileURLToPath(new URL(`../../../${path}`, import.meta.url)), 'utf8')
}

/** The blocks ```ts of a page. */
export function programsOf(path: string): PageProgram[] {
  const block =
    /(<!-- needs decorator metadata -->\s+)?```ts\n(.*?)```\n(?:(?:\n[^\n`#]+\n)?\n```text\n(.*?)```)?/gs
  return Array.from(readPage(path).matchAll(block), ([, comment, code, prints = ''], at) => ({
    name: `${path.replace(/\.md$/, '').replaceAll('/', '-')}-${at + 1}`,
    code: code!,
    prints: prints.split('\n').filter((line) => line !== ''),
    needsMetadata: comment !== undefined,
  }))
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
export function linksOf(path: string): string[] {
  return Array.from(readPage(path).matchAll(/\]\((?!https?:)([^)#]+)/g), ([, target]) => target!)
}

/** What the first column of the table of modules names. */
export function modulesOf(path: string): string[] {
  return Array.from(readPage(path).matchAll(/^\| `(runutil\S*)`/gm), ([, name]) => name!)
}
