import type { Readable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'

const KEPT_BYTES = 64 * 1024
/** Longer lines are cut, so that a worker that never ends a line doesn't fill the memory. */
const LONGEST_LINE = 16 * 1024
const LONGEST_PIECE = 4 * 1024

/** Reads a stream of text line by line, skips empty lines, and keeps the last 64 KiB. */
export class OutputTail {
  readonly #chunks: Buffer[] = []
  #bytes = 0
  #line = ''
  readonly #decoder = new StringDecoder('utf8')
  readonly #onLine: (line: string) => void

  constructor(stream: Readable, onLine: (line: string) => void) {
    this.#onLine = onLine
    stream.on('data', (chunk: Buffer) => this.#take(chunk))
    stream.on('error', () => {})
    stream.on('close', () => this.#flush(this.#decoder.end()))
  }

  /** The end of the output; if it had to be cut, from a line start if there is one nearby. */
  get text(): string {
    const kept = Buffer.concat(this.#chunks)
    if (kept.length <= KEPT_BYTES) return kept.toString()
    const tail = kept.subarray(kept.length - KEPT_BYTES)
    let start = tail.subarray(0, LONGEST_LINE).indexOf(10) + 1
    // Nor within a character: UTF-8 continuation bytes begin with these bits.
    while ((tail[start]! & 0b1100_0000) === 0b1000_0000) start++
    return tail.subarray(start).toString()
  }

  #take(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#bytes += chunk.length
    while (this.#bytes - this.#chunks[0]!.length > KEPT_BYTES) this.#bytes -= this.#chunks.shift()!.length
    // Chunks of a few bytes each would take far more memory than their bytes.
    if (this.#chunks.length > 64) this.#chunks.splice(0, this.#chunks.length, Buffer.concat(this.#chunks))
    this.#split(this.#decoder.write(chunk))
  }

  #split(text: string): void {
    const lines = (this.#line + text).split('\n')
    this.#line = lines.pop()!
    for (const line of lines) this.#pass(line)
    if (this.#line.length > LONGEST_LINE) this.#flush('')
  }

  #flush(rest: string): void {
    const line = this.#line + rest
    this.#line = ''
    this.#pass(line)
  }

  /** Limits a log line to 16 KiB, in UTF-8 and including escapes. */
  #pass(line: string): void {
    for (let rest = line.trimEnd(); rest !== '';) {
      const half = /[\ud800-\udbff]$/.test(rest.slice(0, LONGEST_PIECE))
      const piece = rest.slice(0, half ? LONGEST_PIECE - 1 : LONGEST_PIECE)
      this.#onLine(piece)
      rest = rest.slice(piece.length)
    }
  }
}
