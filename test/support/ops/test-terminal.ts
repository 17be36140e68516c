import { PassThrough } from 'node:stream'
import { systemClock } from 'runutil'
import type { Clock } from '../../../packages/runutil/src/core/clock.ts'
import { commandLine } from '../../../packages/runutil/src/ops/cli/command-line.ts'
import type { Keyboard, Screen, Terminal } from '../../../packages/runutil/src/ops/cli/terminal.ts'

export interface TestTerminalProps {
  /** Of a terminal; without it, output goes to a pipe. */
  readonly size?: readonly [columns: number, rows: number]
  readonly env?: Readonly<Record<string, string>>
  readonly clock?: Clock
}

/** A screen that keeps what is written to it. */
class TestScreen extends PassThrough implements Screen {
  readonly isTTY: boolean
  columns: number
  rows: number
  written = ''

  constructor(size: TestTerminalProps['size']) {
    super()
    this.isTTY = size !== undefined
    this.columns = size?.[0] ?? 0
    this.rows = size?.[1] ?? 0
    this.setEncoding('utf8').on('data', (text: string) => {
      this.written += text
    })
  }
}

/** A terminal, or pipes, that the command runs on within the process of the test. */
export class TestTerminal implements Terminal {
  readonly stdin: PassThrough & Keyboard
  readonly stdout: TestScreen
  readonly stderr: TestScreen
  readonly env: Readonly<Record<string, string>>
  readonly clock: Clock
  readonly ending = new AbortController()
  /** What `setRawMode` was called with. */
  readonly rawModes: boolean[] = []

  constructor({ size, env = {}, clock = systemClock }: TestTerminalProps = {}) {
    const setRawMode = (isRaw: boolean): void => void this.rawModes.push(isRaw)
    this.stdin = Object.assign(new PassThrough(), { isTTY: size !== undefined, setRawMode })
    this.stdout = new TestScreen(size)
    this.stderr = new TestScreen(size)
    this.env = env
    this.clock = clock
  }

  get signal(): AbortSignal {
    return this.ending.signal
  }

  type(keys: string): void {
    this.stdin.write(keys)
  }

  resize(columns: number, rows: number): void {
    Object.assign(this.stdout, { columns, rows })
    this.stdout.emit('resize')
  }
}

export interface Ended {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** Runs the command on pipes, or on a terminal that answers what it asks. */
export async function runCommand(
  argv: readonly string[],
  { answer, ...props }: TestTerminalProps & { readonly answer?: string } = {},
): Promise<Ended> {
  const terminal = new TestTerminal(props)
  if (answer !== undefined) terminal.type(answer)
  const code = await commandLine(argv, terminal)
  return { code, out: terminal.stdout.written, err: terminal.stderr.written }
}
