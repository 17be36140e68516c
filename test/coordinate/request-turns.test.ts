import { describe, expect, it } from 'vitest'
import { macrotask } from '../../packages/runutil/src/core/event-loop.ts'
import { RequestTurns } from '../../packages/runutil/src/coordinate/request-turns.ts'

interface Open<T> {
  readonly child: string
  readonly end: (answer: T) => Promise<void>
}

/** Children of which a test answers the requests and ends the waits. */
class Children {
  readonly requests: Open<string | undefined>[] = []
  readonly waits: Open<void>[] = []
  readonly answered: [child: string, answer: string | undefined][] = []
  readonly #turns = new RequestTurns()

  async ask(...children: string[]): Promise<void> {
    for (const child of children) {
      const request = (): Promise<string | undefined> => this.#open(this.requests, child)
      const wait = (): Promise<void> => this.#open(this.waits, child)
      void this.#turns.run(request, wait).then((answer) => this.answered.push([child, answer]))
    }
    await macrotask()
  }

  /** Who requests, and who waits. */
  get now(): { requests: string[]; waits: string[] } {
    return {
      requests: this.requests.map(({ child }) => child),
      waits: this.waits.map(({ child }) => child),
    }
  }

  #open<T>(list: Open<T>[], child: string): Promise<T> {
    return new Promise((resolve) => {
      const one = {
        child,
        end: async (answer: T) => {
          list.splice(list.indexOf(one), 1)
          resolve(answer)
          await macrotask()
        },
      }
      list.push(one)
    })
  }
}

describe('the children of a worker', () => {
  it('request one after another while there is nothing to do, and one waits', async () => {
    const children = new Children()
    await children.ask('a', 'b', 'c')
    expect(children.now).toEqual({ requests: ['a'], waits: [] })
    await children.requests[0]!.end(undefined)
    expect(children.now).toEqual({ requests: [], waits: ['a'] })
    await children.waits[0]!.end()
    expect(children.now).toEqual({ requests: ['b'], waits: [] })
    expect(children.answered).toEqual([['a', undefined]])
  })

  it('request at the same time once one got something', async () => {
    const children = new Children()
    await children.ask('a', 'b', 'c')
    await children.requests[0]!.end('work')
    expect(children.now).toEqual({ requests: ['b', 'c'], waits: [] })
    await children.ask('a')
    expect(children.now).toEqual({ requests: ['b', 'c', 'a'], waits: [] })
  })

  it('request again, in turn, before one waits: another may have found what came since the first request', async () => {
    const children = new Children()
    await children.ask('a', 'b', 'c')
    await children.requests[0]!.end('work')
    await children.requests[0]!.end(undefined)
    expect(children.answered.at(-1)).toEqual(['b', undefined])
    await children.requests[0]!.end(undefined)
    await children.ask('b', 'c')
    expect(children.now).toEqual({ requests: ['b'], waits: [] })
    await children.requests[0]!.end('more')
    expect(children.now).toEqual({ requests: ['c'], waits: [] })
  })

  it('do not queue behind one that waits where another gets something', async () => {
    const children = new Children()
    await children.ask('a', 'b')
    await children.requests[0]!.end('work')
    await children.ask('a')
    await children.requests.find(({ child }) => child === 'a')!.end(undefined)
    await children.ask('a')
    await children.requests.find(({ child }) => child === 'a')!.end(undefined)
    expect(children.now).toEqual({ requests: ['b'], waits: ['a'] })
    await children.requests[0]!.end('late')
    await children.ask('b')
    expect(children.now).toEqual({ requests: ['b'], waits: ['a'] })
  })
})
