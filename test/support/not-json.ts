/** Values that JSON.stringify changes silently or rejects: a name and a factory. No store may accept one. */
export const notJson: readonly [name: string, make: () => unknown][] = [
  ['NaN', () => Number.NaN],
  ['Infinity', () => -Infinity],
  ['a BigInt', () => 5n],
  ['a symbol', () => Symbol('x')],
  ['a function', () => () => {}],
  ['a Map', () => new Map([['a', 1]])],
  ['a Set', () => new Set([1])],
  ['a Promise', () => Promise.resolve(1)],
  ['an Error', () => new Error('x')],
  ['a RegExp', () => /x/],
  ['an invalid Date', () => new Date(Number.NaN)],
  ['a Buffer', () => Buffer.from('x')],
  ['an ArrayBuffer', () => new ArrayBuffer(1)],
  ['undefined in an array', () => [undefined]],
  ['what is deep inside', () => ({ a: [{ b: { c: Number.NaN } }] })],
  ['what runs in a circle', circle],
]

function circle(): unknown {
  const self: Record<string, unknown> = {}
  self['self'] = self
  return self
}
