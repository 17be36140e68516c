import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../packages/runutil/src/core/clock-system.ts'
import { Launch } from '../../packages/runutil/src/pool/launch.ts'
import { FrameReader } from '../../packages/runutil/src/pool/relay/frame-reader.ts'
import { MessageReader } from '../../packages/runutil/src/pool/relay/message-reader.ts'
import { type OutputSocket, openOutputSocket } from '../../packages/runutil/src/pool/relay/output-socket.ts'
import { protocols } from '../../packages/runutil/src/pool/relay/protocol.ts'
import { ReadBuffer } from '../../packages/runutil/src/pool/relay/read-buffer.ts'
import { PipesRelay } from '../../packages/runutil/src/pool/relay/relay-pipes.ts'
import { StartGate } from '../../packages/runutil/src/pool/start-gate.ts'
import { Subprocess } from '../../packages/runutil/src/pool/worker/subprocess.ts'
import { eventually } from '../support/eventually.ts'
import { errorOf, textOf, withPool } from '../support/pool/pools.ts'

const TMPDIR = process.env['TMPDIR']
let folder = ''

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'output-'))
  process.env['TMPDIR'] = folder
})

afterEach(() => {
  if (TMPDIR === undefined) delete process.env['TMPDIR']
  else process.env['TMPDIR'] = TMPDIR
  rmSync(folder, { recursive: true, force: true })
})

/** As the workers of a pool write it, in one write. */
function answer(bytes: number): Buffer {
  const { head, body } = protocols.goridge2.answer('', Buffer.alloc(bytes, 'payload'))
  return Buffer.concat([head, body ?? Buffer.alloc(0)])
}

async function opened(): Promise<OutputSocket> {
  const output = await openOutputSocket()
  if (output === undefined) throw new Error('expected a pair of sockets')
  return output
}

/** Writes one message after another, each once the one before has arrived. @returns the chunks of each */
async function chunksOf(output: OutputSocket, messages: readonly Buffer[]): Promise<Buffer[][]> {
  const chunks: Buffer[][] = []
  let current: Buffer[] = []
  output.input.on('data', (chunk: Buffer) => current.push(chunk))
  for (const message of messages) {
    chunks.push((current = []))
    output.childEnd!.write(message)
    await eventually(() => expect(total(current)).toBe(message.length))
  }
  return chunks
}

function total(chunks: readonly Buffer[]): number {
  return chunks.reduce((sum, { length }) => sum + length, 0)
}

describe('the socket for the output of a process', () => {
  it('has left no file by the time that it is waited for', async () => {
    const opening = openOutputSocket()
    expect(readdirSync(folder)).toEqual([])
    const output = await opening
    expect(output).toBeDefined()
    output!.close()
  })

  it('gives an answer of 64 KiB in one read from the third on, and no copy of it', async () => {
    const output = await opened()
    const chunks = await chunksOf(output, Array<Buffer>(10).fill(answer(65_536)))
    expect(chunks.slice(2).map(({ length }) => length)).toEqual(Array(8).fill(1))
    const messages = new MessageReader(new FrameReader(protocols.goridge2, 100_000), 'parent')
    for (const [chunk] of chunks.slice(2)) {
      messages.frames.feed(chunk!)
      const message = messages.next()!
      if (message.kind !== 'payload') throw new Error('expected an answer')
      expect(message.body).toEqual(Buffer.alloc(65_536, 'payload'))
      // The bytes are where the system has put them, in a buffer that is little larger.
      expect(message.body.buffer).toBe(chunk!.buffer)
      expect(message.body.buffer.byteLength).toBeLessThan(1.3 * 65_536)
    }
    output.close()
  })

  it('gives small answers in memory of their own, which later ones leave alone', async () => {
    const output = await opened()
    const sent = Array.from({ length: 90 }, (_, at) =>
      Buffer.alloc(at % 3 === 0 ? 5_000 : 90, `answer ${at}`),
    )
    const chunks = await chunksOf(output, sent)
    expect(chunks.map((some) => Buffer.concat(some))).toEqual(sent)
    for (const [chunk] of chunks) expect(chunk!.buffer.byteLength).toBeLessThanOrEqual(8 * 1024)
    output.close()
  })

  it('loses nothing of answers that are large, small and paused in turn', async () => {
    const output = await opened()
    const sizes = [10, 70_000, 300, 1_000_000, 64, 49_152, 49_153, 200_000, 1]
    const sent = sizes.map((size, at) => Buffer.alloc(size, `${at} `))
    let received = Buffer.alloc(0)
    output.input.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk])
      output.input.pause()
      setImmediate(() => output.input.resume())
    })
    for (const bytes of sent) output.childEnd!.write(bytes)
    const all = Buffer.concat(sent)
    await eventually(() => expect(received).toHaveLength(all.length))
    expect(received.equals(all)).toBe(true)
    output.close()
  })

  it('ends when the other end is closed, after what was written before', async () => {
    const output = await opened()
    const closed = new Promise((resolve) => output.input.once('close', resolve))
    let received = 0
    output.input.on('data', (chunk: Buffer) => (received += chunk.length))
    output.childEnd!.end(Buffer.alloc(150_000))
    await closed
    expect(received).toBe(150_000)
    output.close()
  })
})

describe('the buffers of a socket', () => {
  /** Reads of these sizes at most, as large as the buffers are; what each got, and how large its buffer was. */
  function read(sizes: readonly number[]): number[][] {
    const buffers = new ReadBuffer()
    return sizes.map((size) => {
      const buffer = buffers.next()
      const length = Math.min(size, buffer.length)
      expect(buffers.chunk(length, buffer)).toHaveLength(length)
      return [length, buffer.length]
    })
  }

  it('double when a read fills them, up to 256 KiB, and follow the reads down', () => {
    const much = 1_000_000
    expect(read([much, much, much, much, 70_000, 70_000, 100, 100])).toEqual([
      [65_536, 65_536],
      [131_072, 131_072],
      [262_144, 262_144],
      [262_144, 262_144],
      [70_000, 262_144],
      [70_000, 87_500],
      [100, 87_500],
      [100, 87_500],
    ])
  })

  it('are one for all sockets while reads are small', () => {
    const one = new ReadBuffer()
    const other = new ReadBuffer()
    one.chunk(40, one.next())
    expect(one.next()).toBe(other.next())
  })
})

describe('a pool without such sockets', () => {
  it.each(['a folder that is missing', 'a folder that is a file'])(
    'uses pipes where TMPDIR is %s',
    async (which) => {
      process.env['TMPDIR'] =
        which === 'a folder that is missing' ? join(folder, 'missing') : process.execPath
      expect(await openOutputSocket()).toBeUndefined()
      await withPool({}, async (pool) => {
        const large = 'x'.repeat(300_000)
        expect(await textOf(pool.exec(large))).toBe(large)
        expect((await errorOf(pool.exec('exit 3'))).message).toMatch('exited with code 3')
        expect(await textOf(pool.exec('again'))).toBe('again')
      })
    },
  )
})

describe('a pool', () => {
  it('has them whatever the length of TMPDIR', async () => {
    process.env['TMPDIR'] = mkdtempSync(join(folder, 'long-'.padEnd(120, 'x')))
    const output = await opened()
    output.close()
  })

  it.each(['is cancelled', 'fails'])('keeps no socket of a start that %s', async (way) => {
    const output = await opened()
    const factory = { prepare: () => Promise.resolve(output), spawn: () => fail() }
    const launch = new Launch(new StartGate(1), factory)
    const failed = errorOf(launch.up)
    if (way === 'is cancelled') await launch.cancel()
    expect((await failed).message).toMatch(way === 'fails' ? 'expected no spawn' : 'destroyed')
    await eventually(() => expect(output).toMatchObject({ input: { destroyed: true }, childEnd: undefined }))
  })

  it('leaves none open when its worker could not be spawned', async () => {
    const output = await opened()
    const relay = new PipesRelay({ protocol: protocols.goridge2, maxFrame: 1, token: '' })
    const spec = { command: 'no-such-program' }
    const process = new Subprocess({
      spec,
      relay,
      output,
      token: '',
      clock: systemClock,
      onExit: () => {},
      onLine: () => {},
    })
    expect((await process.ended).spawnError).toBeDefined()
    expect(output).toMatchObject({ input: { destroyed: true }, childEnd: undefined })
  })
})

function fail(): never {
  throw new Error('expected no spawn')
}
