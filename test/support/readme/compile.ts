import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import type { PageProgram } from './page.ts'

/** Beside the test of the page, so that imports find the workspace's packages. */
const FOLDER = fileURLToPath(new URL('../../readme/.runutil/', import.meta.url))
/** From the root of the workspace. */
export const COMPILED = 'test/readme/.runutil'

const TSCONFIG = {
  extends: '../../../tsconfig.json',
  // So that tsx finds runutil's sources from the JavaScript that tsc emits, too.
  compilerOptions: { allowJs: true },
  include: ['.'],
}

/**
 * Writes programs to files and compiles them with tsc, all in one go: `name.ts`, and `js/name.js`.
 *
 * @returns what the compiler complains about
 */
export function compile(programs: PageProgram[]): string[] {
  rmSync(FOLDER, { recursive: true, force: true })
  mkdirSync(join(FOLDER, 'js'), { recursive: true })
  writeFileSync(join(FOLDER, 'tsconfig.json'), JSON.stringify(TSCONFIG))
  const files = programs.map(({ name, code }) => {
    const file = join(FOLDER, `${name}.ts`)
    writeFileSync(file, code)
    return file
  })
  const program = ts.createProgram(files, compilerOptions())
  // Not beside it: of two files of one name, tsx takes the one in TypeScript.
  const emit = (path: string, text: string): void => writeFileSync(join(FOLDER, 'js', basename(path)), text)
  for (const file of files) program.emit(program.getSourceFile(file), emit)
  return ts.getPreEmitDiagnostics(program).map(complaint)
}

function compilerOptions(): ts.CompilerOptions {
  const read = (path: string): string | undefined => ts.sys.readFile(path)
  const { config } = ts.readConfigFile(join(FOLDER, 'tsconfig.json'), read) as { config: object }
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, FOLDER)
  return { ...options, allowJs: false, noEmit: false, rewriteRelativeImportExtensions: true }
}

function complaint({ file, start = 0, messageText }: ts.Diagnostic): string {
  const text = ts.flattenDiagnosticMessageText(messageText, '\n')
  if (file === undefined) return text
  return `${file.fileName}:${file.getLineAndCharacterOfPosition(start).line + 1}: ${text}`
}
