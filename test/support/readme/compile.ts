import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import type { PageFile, PageProgram } from './page.ts'

/** Beside the test of the page, so that imports find the workspace's packages. */
const FOLDER = fileURLToPath(new URL('../../readme/.runutil/', import.meta.url))
/** From the root of the workspace. */
export const COMPILED = 'test/readme/.runutil'

const TSCONFIG = { extends: '../../../tsconfig.json', include: ['.'] }

/**
 * Writes programs to files `name.ts`, checks their types in one go, and compiles each to `name.js`.
 *
 * @param others files that they use
 * @returns what the compiler complains about
 */
export function compile(programs: PageProgram[], others: PageFile[]): string[] {
  rmSync(FOLDER, { recursive: true, force: true })
  mkdirSync(FOLDER, { recursive: true })
  writeFileSync(join(FOLDER, 'tsconfig.json'), JSON.stringify(TSCONFIG))
  for (const { name, text } of others) writeFileSync(join(FOLDER, name), text)
  const options = compilerOptions()
  const files = programs.map(({ name, code, needsMetadata }) => {
    const file = join(FOLDER, name)
    const compilerOptions = {
      ...options,
      noEmit: false,
      module: ts.ModuleKind.ESNext,
      emitDecoratorMetadata: needsMetadata,
    }
    writeFileSync(`${file}.ts`, code)
    writeFileSync(`${file}.js`, ts.transpileModule(code, { compilerOptions }).outputText)
    return `${file}.ts`
  })
  return ts.getPreEmitDiagnostics(ts.createProgram(files, options)).map(complaint)
}

function compilerOptions(): ts.CompilerOptions {
  const read = (path: string): string | undefined => ts.sys.readFile(path)
  const { config } = ts.readConfigFile(join(FOLDER, 'tsconfig.json'), read) as { config: object }
  return ts.parseJsonConfigFileContent(config, ts.sys, FOLDER).options
}

function complaint({ file, start = 0, messageText }: ts.Diagnostic): string {
  const text = ts.flattenDiagnosticMessageText(messageText, '\n')
  if (file === undefined) return text
  return `${file.fileName}:${file.getLineAndCharacterOfPosition(start).line + 1}: ${text}`
}
