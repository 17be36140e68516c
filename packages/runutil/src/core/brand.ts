/**
 * Makes `instanceof` recognise instances of the same class in another copy of runutil: pnpm creates a copy for each set of
 * peers, and bundlers may too. Subclasses are instances of their base class in all copies; `instanceof` a caller's own
 * subclass works as usual.
 */
export function brand(type: abstract new (...args: never[]) => object, name: string): void {
  const inherited = Function.prototype[Symbol.hasInstance] as (this: unknown, value: unknown) => boolean
  const key = Symbol.for(`runutil.class.${name}`)
  Object.defineProperty(type.prototype, key, { value: true })
  Object.defineProperty(type, Symbol.hasInstance, {
    value(this: unknown, value: unknown): boolean {
      // A subclass inherits this method.
      if (this !== type) return inherited.call(this, value)
      return typeof value === 'object' && value !== null && key in value
    },
  })
}

/** Sets the name of an error class, and makes every copy of runutil recognise its instances. */
export function brandError(type: abstract new (...args: never[]) => Error, name: string): void {
  ;(type.prototype as Error).name = name
  brand(type, name)
}
