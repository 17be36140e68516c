import { createInterface } from 'node:readline'
import { wrongUsage } from './command-errors.ts'
import type { Terminal } from './terminal.ts'

/** Asks on the terminal, where only yes means yes. @throws CommandError when there is none */
export function asked(question: string, { stdin, stderr, signal }: Terminal): Promise<boolean> {
  if (stdin.isTTY !== true || stderr.isTTY !== true) {
    throw wrongUsage(`${question} There is no terminal to ask on; --yes says so`)
  }
  const lines = createInterface({ input: stdin, output: stderr })
  return new Promise((resolve) => {
    const end = (isYes: boolean): void => {
      signal.removeEventListener('abort', close)
      resolve(isYes)
    }
    const close = (): void => lines.close()
    signal.addEventListener('abort', close, { once: true })
    lines.once('close', () => end(false)).once('SIGINT', close)
    lines.question(`${question} [y/N] `, (answer) => {
      end(/^y(es)?$/i.test(answer.trim()))
      lines.close()
    })
  })
}
