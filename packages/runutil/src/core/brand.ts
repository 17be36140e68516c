/**
 * Has `instanceof` recognise the instances of the same class in another copy of runutil: pnpm makes a copy for each set of
 * peers, and bundlers make some. Subclasses are recognised as what they extend, in all copies, and a caller's own as ever.
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

/** Gives all errors of a class their name, and has every copy of runutil recognise them. */
export function brandError(type: abstract new (...args: never[]) => Error, name: string): void {
  ;(type.prototype as Error).name = name
  brand(type, name)
}
