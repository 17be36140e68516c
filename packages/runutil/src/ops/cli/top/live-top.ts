import { emitKeypressEvents } from 'node:readline'
import { sleep } from '../../../core/wait.ts'
import { messageOf } from '../../../core/thrown.ts'
import type { ApiClient } from '../api-client.ts'
import { type StreamEvent, eventsOf } from '../events.ts'
import type { Terminal } from '../terminal.ts'
import type { Style } from '../text/style.ts'
import { Frame } from './frame.ts'
import { type Key, afterKey } from './keys.ts'
import { picture, withinBounds } from './picture.ts'
import { type TopModel, afterEvent, afterLoss, newModel } from './top-model.ts'

/** Ages are shown in seconds. */
const REDRAW_MS = 1_000
const FIRST_RETRY_MS = 1_000
const LONGEST_RETRY_MS = 15_000

/** What comes from outside. */
type Input =
  | { readonly type: 'event'; readonly event: StreamEvent }
  | { readonly type: 'lost'; readonly error: unknown }
  | { readonly type: 'key'; readonly key: Key }
  | { readonly type: 'resize' | 'end' }

export interface LiveTopProps {
  readonly api: ApiClient
  readonly terminal: Terminal
  readonly style: Style
  readonly replica: string | undefined
}

/** Shows what goes on in a process until `q` is pressed. All happens in one loop, so that an error anywhere gives the screen back. */
export class LiveTop {
  readonly #props: LiveTopProps
  readonly #frame: Frame
  readonly #inputs: Input[] = []
  #wake = (): void => {}
  #model: TopModel

  constructor(props: LiveTopProps) {
    this.#props = props
    this.#frame = new Frame(props.terminal.stdout)
    this.#model = newModel(props.api.url)
  }

  /** @throws CommandError if there is no answer at first */
  async run(): Promise<void> {
    const { terminal } = this.#props
    const ending = new AbortController()
    const end = (): void => this.#put({ type: 'end' })
    terminal.signal.addEventListener('abort', end, { once: true })
    const following = this.#follow(ending.signal)
    const leave = this.#enter()
    try {
      while (!terminal.signal.aborted && this.#takeAll()) {
        this.#draw()
        await this.#next(ending.signal)
      }
    } finally {
      ending.abort()
      terminal.signal.removeEventListener('abort', end)
      leave()
      await following
    }
  }

  /** Takes the keyboard and the screen. @returns gives them back */
  #enter(): () => void {
    const { stdin, stdout } = this.#props.terminal
    const pressed = (text: string | undefined, key: { name?: string; ctrl?: boolean }): void =>
      this.#put({ type: 'key', key: { text, name: key.name, isControl: key.ctrl === true } })
    const resized = (): void => this.#put({ type: 'resize' })
    emitKeypressEvents(stdin)
    stdin.on('keypress', pressed)
    stdout.on('resize', resized)
    stdin.setRawMode?.(true)
    stdin.resume()
    this.#frame.enter()
    return () => {
      this.#frame.leave()
      stdin.off('keypress', pressed)
      stdout.off('resize', resized)
      stdin.setRawMode?.(false)
      stdin.pause()
    }
  }

  /** Never rejects. */
  async #follow(signal: AbortSignal): Promise<void> {
    const { api, terminal, replica } = this.#props
    const { clock } = terminal
    for (let retryMs = FIRST_RETRY_MS; !signal.aborted;) {
      try {
        for await (const event of eventsOf(api, { watch: 'kinds', replica }, { clock, signal })) {
          retryMs = FIRST_RETRY_MS
          this.#put({ type: 'event', event })
        }
        this.#put({ type: 'lost', error: new Error('the server has ended it') })
      } catch (error) {
        this.#put({ type: 'lost', error })
      }
      await sleep(clock, retryMs, signal)
      retryMs = Math.min(2 * retryMs, LONGEST_RETRY_MS)
    }
  }

  #put(input: Input): void {
    this.#inputs.push(input)
    this.#wake()
  }

  async #next(signal: AbortSignal): Promise<void> {
    if (this.#inputs.length > 0) return
    const waiting = new AbortController()
    this.#wake = () => waiting.abort()
    if (!signal.aborted) await sleep(this.#props.terminal.clock, REDRAW_MS, waiting.signal)
  }

  /** @returns false: it ends @throws what it could not connect for at first */
  #takeAll(): boolean {
    const now = this.#props.terminal.clock.now()
    for (const input of this.#inputs.splice(0)) {
      const model = this.#after(input, now)
      if (model === undefined) return false
      this.#model = withinBounds(model, this.#props.terminal.stdout.rows)
    }
    return true
  }

  #after(input: Input, now: number): TopModel | undefined {
    switch (input.type) {
      case 'event':
        return afterEvent(this.#model, input.event, now)
      case 'key':
        return afterKey(this.#model, input.key)
      case 'lost':
        if (this.#model.state === undefined) throw input.error
        return afterLoss(this.#model, messageOf(input.error), now)
      case 'resize':
        this.#frame.clear()
        return this.#model
      case 'end':
        return undefined
      default:
        return input satisfies never
    }
  }

  #draw(): void {
    const { terminal, style } = this.#props
    const { columns, rows } = terminal.stdout
    if (this.#frame.isBehind) return
    this.#frame.draw(picture(this.#model, { now: terminal.clock.now(), width: columns, height: rows, style }))
  }
}
