import { delay } from 'tsyringe'
import { describe, expect, it } from 'vitest'
import { InvalidArgumentError, Worker } from 'runutil'

class Other {}

describe('@Worker', () => {
  const decorate = (options: object, type: Function): void => void Worker(options)(type)
  class Two {
    constructor(
      readonly a: object,
      readonly b: object,
    ) {}
  }

  it.each([
    [
      'too few',
      [Other],
      /expected a token for each constructor parameter of Two \(a, b\); got an array of 1/,
    ],
    ['too many', [Other, Other, Other], /got an array of 3/],
    ['undefined', [Other, undefined], /parameter #1 \(b\) of Two; got undefined; .*delay/],
    ['a number among', [Other, 5], /parameter #1 \(b\) of Two; got 5/],
    ['a string instead of', 'Other', /expected a token for each/],
  ])('rejects %s tokens', (_, tokens, says) => {
    expect(() => decorate({ inject: tokens }, Two)).toThrow(InvalidArgumentError)
    expect(() => decorate({ inject: tokens }, Two)).toThrow(says)
  })

  it('accepts defaults, delayed tokens and inherited constructors', () => {
    class WithDefault {
      constructor(
        readonly a: object,
        readonly b: object = {},
      ) {}
    }
    class Derived extends Two {}
    decorate({ inject: [Other], group: 'unused' }, WithDefault)
    decorate({ inject: [Other, Other], group: 'unused' }, WithDefault)
    decorate({ inject: [delay(() => Other), Other], group: 'unused' }, Derived)
  })

  it('rejects missing parentheses, an empty name and an unknown option', () => {
    expect(() => Worker(Two as never)).toThrow(/write @Worker\(\) above class Two/)
    expect(() => Worker({ name: ' ' })).toThrow(/@Worker: name: expected a name that isn't empty/)
    expect(() => Worker({ gruop: 'a' } as never)).toThrow(/unknown option 'gruop'; did you mean 'group'/)
  })

  it('works as a standard decorator, which gets a context', () => {
    const decorator = Worker({ group: 'unused', name: 'Standard' }) as unknown as (
      type: Function,
      context: object,
    ) => void
    decorator(class Standard {}, { kind: 'class', name: 'Standard' })
  })
})
