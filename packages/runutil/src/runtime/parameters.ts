import 'reflect-metadata'

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- any class
export type Constructor<T = any> = new (...args: any[]) => T

export interface Parameters {
  /** How many a constructor needs at least: those before the first default. */
  readonly least: number
  /** How many it takes at most; Infinity where that can't be told. */
  readonly most: number
  /** Their names as the source has them, as far as they can be read. */
  readonly names: readonly string[]
}

/** What can be told of a class's constructor: from decorator metadata, else from its source text. */
export function parametersOf(type: Constructor): Parameters {
  const emitted = Reflect.getMetadata('design:paramtypes', type) as unknown[] | undefined
  const source = constructorSource(type)
  if (source === undefined) return { least: type.length, most: emitted?.length ?? Infinity, names: [] }
  const names = source
    .split(',')
    .map(parameterName)
    .filter((name) => name !== '')
  // Commas in default values or patterns would be counted too.
  const plain = !/[=[{(.]/.test(source)
  return { least: type.length, most: emitted?.length ?? (plain ? names.length : Infinity), names }
}

/** The text between the constructor's parentheses; undefined for a class without one. */
function constructorSource(type: Constructor): string | undefined {
  return /[\s;{}]constructor\s*\(([^)]*)/.exec(String(type))?.[1]
}

function parameterName(parameter: string): string {
  return parameter.replace(/=[^]*$/, '').trim()
}

/** A parameter as messages show it: `#0 (db)`. */
export function parameterLabel(type: Constructor, at: number): string {
  const name = parametersOf(type).names[at]
  return name === undefined ? `#${at}` : `#${at} (${name})`
}
