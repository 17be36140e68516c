import { getEventListeners } from 'node:events'
import { describe, expect, test, vi } from 'vitest'
import { offAbort, onAbort } from '../../packages/runutil/src/core/abort.ts'
import { isAbortOf } from '../../packages/runutil/src/core/is-abort-of.ts'
import { linkedController } from '../../packages/runutil/src/core/linked-controller.ts'

const listenersOf = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length

describe('onAbort', () => {
  test('calls back once when the signal aborts', () => {
    const controller = new AbortController()
    const called = vi.fn()
    onAbort(controller.signal, called)
    expect(called).not.toHaveBeenCalled()
    controller.abort()
    controller.abort()
    expect(called).toHaveBeenCalledTimes(1)
  })

  test('calls back immediately if the signal has already aborted, and leaves no listener', () => {
    const signal = AbortSignal.abort()
    const called = vi.fn()
    onAbort(signal, called)
    expect(called).toHaveBeenCalledTimes(1)
    expect(listenersOf(signal)).toBe(0)
  })

  test('accepts undefined as a signal that never aborts', () => {
    const called = vi.fn()
    onAbort(undefined, called)
    offAbort(undefined, called)
    expect(called).not.toHaveBeenCalled()
  })

  test('calls back in the order of subscription', () => {
    const controller = new AbortController()
    const order: number[] = []
    for (const n of [1, 2, 3]) onAbort(controller.signal, () => order.push(n))
    controller.abort()
    expect(order).toEqual([1, 2, 3])
  })

  test('adds one native listener for any number of subscribers, and removes it after the last', () => {
    const { signal } = new AbortController()
    const callbacks = Array.from({ length: 1_000 }, () => () => {})
    for (const callback of callbacks) onAbort(signal, callback)
    expect(listenersOf(signal)).toBe(1)
    for (const callback of callbacks) offAbort(signal, callback)
    expect(listenersOf(signal)).toBe(0)
  })

  test('leaves no listener after the abort', () => {
    const controller = new AbortController()
    onAbort(controller.signal, () => {})
    controller.abort()
    expect(listenersOf(controller.signal)).toBe(0)
  })
})

describe('offAbort', () => {
  test('removes one subscription and keeps the others', () => {
    const controller = new AbortController()
    const kept = vi.fn()
    const taken = vi.fn()
    onAbort(controller.signal, kept)
    onAbort(controller.signal, taken)
    offAbort(controller.signal, taken)
    controller.abort()
    expect(kept).toHaveBeenCalledTimes(1)
    expect(taken).not.toHaveBeenCalled()
  })

  test('removes a subscription even while the abort is being delivered', () => {
    const controller = new AbortController()
    const taken = vi.fn()
    onAbort(controller.signal, () => offAbort(controller.signal, taken))
    onAbort(controller.signal, taken)
    controller.abort()
    expect(taken).not.toHaveBeenCalled()
  })

  test('is safe without a subscription, after the callback, and when called twice', () => {
    const controller = new AbortController()
    const callback = vi.fn()
    offAbort(controller.signal, callback)
    onAbort(controller.signal, callback)
    controller.abort()
    offAbort(controller.signal, callback)
    offAbort(controller.signal, callback)
    expect(callback).toHaveBeenCalledTimes(1)
  })

  test('allows a new subscription afterwards', () => {
    const controller = new AbortController()
    const first = vi.fn()
    const second = vi.fn()
    onAbort(controller.signal, first)
    offAbort(controller.signal, first)
    onAbort(controller.signal, second)
    controller.abort()
    expect([first.mock.calls.length, second.mock.calls.length]).toEqual([0, 1])
  })
})

describe('linkedController', () => {
  test('aborts with its parent, for the same reason', () => {
    const parent = new AbortController()
    const linked = linkedController(parent.signal)
    const reason = new Error('enough')
    parent.abort(reason)
    expect(linked.signal.aborted).toBe(true)
    expect(linked.signal.reason).toBe(reason)
  })

  test('starts aborted if its parent has aborted', () => {
    const linked = linkedController(AbortSignal.abort('early'))
    expect(linked.signal.reason).toBe('early')
  })

  test('aborts by itself without touching the parent, and the first reason wins', () => {
    const parent = new AbortController()
    const linked = linkedController(parent.signal)
    linked.abort('mine')
    parent.abort('theirs')
    expect(linked.signal.reason).toBe('mine')
  })

  test('does not follow its parent once disposed', () => {
    const parent = new AbortController()
    const linked = linkedController(parent.signal)
    linked.dispose()
    expect(listenersOf(parent.signal)).toBe(0)
    parent.abort()
    expect(linked.signal.aborted).toBe(false)
  })

  test('does not follow its parent once an earlier listener of the same abort has disposed it', () => {
    const parent = new AbortController()
    onAbort(parent.signal, () => linked.dispose())
    const linked = linkedController(parent.signal)
    parent.abort()
    expect(linked.signal.aborted).toBe(false)
  })

  test('accepts thousands of listeners without a warning', async () => {
    const warned = vi.fn()
    process.on('warning', warned)
    const { signal } = linkedController()
    for (let n = 0; n < 10_000; n++) signal.addEventListener('abort', () => {})
    await new Promise((resolve) => setImmediate(resolve))
    process.off('warning', warned)
    expect(warned).not.toHaveBeenCalled()
  })
})

describe('isAbortOf', () => {
  const reason = new Error('stop')
  const aborted = AbortSignal.abort(reason)
  const other = new Error('disk full')
  const shared = new Error('cannot sync', { cause: reason })
  const named = (name: string, code: string): Error => Object.assign(new Error('canceled'), { name, code })
  const deep = (depth: number, cause: Error): Error => {
    let error = cause
    for (let level = 0; level < depth; level++) error = new Error('outer', { cause: error })
    return error
  }
  const aggregate = (...errors: unknown[]): Error => {
    const last = errors.at(-1)
    const options = last instanceof Error ? undefined : (last as ErrorOptions | undefined)
    return new AggregateError(options === undefined ? errors : errors.slice(0, -1), 'many', options)
  }
  const circle = (by: 'cause' | 'errors' = 'cause'): Error => {
    const error = new Error('round')
    return Object.assign(error, by === 'cause' ? { cause: error } : { errors: [error] })
  }

  test.each([
    ['the reason itself', aborted, reason, true],
    [
      'an error caused by the reason, as in node:timers',
      aborted,
      new Error('AbortError', { cause: reason }),
      true,
    ],
    ['what fetch throws', aborted, new DOMException('aborted', 'AbortError'), true],
    ['what axios throws', aborted, named('CanceledError', 'ERR_CANCELED'), true],
    ['what got throws', aborted, named('RequestError', 'ERR_ABORTED'), true],
    ['what Node throws', aborted, named('AbortError', 'ABORT_ERR'), true],
    ['one of these, deep among causes', aborted, deep(10_000, named('AbortError', 'ABORT_ERR')), true],
    ['an aggregate of such', aborted, new AggregateError([reason, named('AbortError', '')], 'all'), true],
    ['an aggregate of aggregates of such', aborted, aggregate(aggregate(reason), reason), true],
    ['an aggregate with one of another kind', aborted, aggregate(aggregate(reason, other), reason), false],
    ['the same with the reason as cause', aborted, aggregate(other, reason, { cause: reason }), false],
    ['an aggregate of nothing', aborted, aggregate(), false],
    ['an aggregate of nothing, caused by the reason', aborted, aggregate({ cause: reason }), true],
    ['the same error twice', aborted, aggregate(shared, shared), true],
    ['a circle of causes', aborted, circle(), false],
    ['an aggregate that holds itself', aborted, circle('errors'), false],
    ['an aggregate of the reason and a circle', aborted, aggregate(reason, circle()), false],
    ['an error of another kind', aborted, other, false],
    ['a time limit', aborted, new DOMException('too late', 'TimeoutError'), false],
    ['the same before the abort', new AbortController().signal, reason, false],
    ["fetch's before the abort", new AbortController().signal, new DOMException('', 'AbortError'), false],
    ["another signal's reason", aborted, new Error('stop'), false],
    ['a reason that is no Error', AbortSignal.abort('bye'), 'bye', true],
    ['nothing', aborted, undefined, false],
  ])('%s: %#', (_, signal, error, expected) => {
    expect(isAbortOf(signal, error)).toBe(expected)
  })
})
