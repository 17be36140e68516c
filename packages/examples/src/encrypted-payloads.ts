// Payloads and results are encrypted before they are stored, with AES-256-GCM. Each is bound to the id and the kind of its job: moved
// to another job, it can't be decrypted. It names its key, so that a new one can be introduced while jobs of the old one wait.
//
// prints:
//   stored: key 2026, and no 'ada' in it
//   handler: welcome, ada
//   of the old key: welcome, bob
//   result: sent to ada
//   moved to another job: PANIC, payload cannot be decoded
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { pino } from 'pino'
import { runAllWorkers } from 'runutil'
import { type CodecJob, type JobCodec, JobQueue, MemoryJobStore, QueueWorker } from 'runutil/queue'

interface Encrypted {
  readonly key: string
  /** In base64: 12 bytes of a nonce, 16 of the tag, and the text. */
  readonly data: string
}

/** @param keys 32 bytes each, by name @param current the name of that which encrypts */
function aesGcm(keys: Readonly<Record<string, Buffer>>, current: string): JobCodec {
  const bound = ({ id, kind }: CodecJob): Buffer => Buffer.from(JSON.stringify([kind, id]))
  return {
    encode(value, job): Encrypted {
      const nonce = randomBytes(12)
      const cipher = createCipheriv('aes-256-gcm', keys[current]!, nonce).setAAD(bound(job))
      const text = Buffer.concat([cipher.update(JSON.stringify(value), 'utf8'), cipher.final()])
      const data = Buffer.concat([nonce, cipher.getAuthTag(), text]).toString('base64')
      return { key: current, data }
    },
    decode(value, job): unknown {
      const { key, data } = value as Encrypted
      const bytes = Buffer.from(data, 'base64')
      const decipher = createDecipheriv('aes-256-gcm', keys[key]!, bytes.subarray(0, 12), {
        authTagLength: 16,
      })
      decipher.setAAD(bound(job)).setAuthTag(bytes.subarray(12, 28))
      const text = Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()])
      return JSON.parse(text.toString()) as unknown
    },
  }
}

// In a service they come from a secret store; all its processes need the same ones.
const keys = { 2025: randomBytes(32), 2026: randomBytes(32) }
const store = new MemoryJobStore()
const queue = new JobQueue(store, { codec: aesGcm(keys, '2026') })
const before = new JobQueue(store, { codec: aesGcm(keys, '2025') })

await queue.enqueue({ id: 'welcome-1', kind: 'mail', payload: { to: 'ada' } })
await before.enqueue({ id: 'welcome-2', kind: 'mail', payload: { to: 'bob' } })
const stored = (await store.get('welcome-1'))!.payload as Encrypted
const isReadable = Buffer.from(stored.data, 'base64').includes('ada')
console.log(`stored: key ${stored.key}, and ${isReadable ? "'ada'" : "no 'ada'"} in it`)
// As somebody may who can write into the database, but has no key.
await new JobQueue(store).enqueue({ id: 'welcome-3', kind: 'mail', payload: stored })

const worker = new QueueWorker(queue).register('mail', ({ id, payload }) => {
  const { to } = payload as { to: string }
  console.log(`${id === 'welcome-1' ? 'handler' : 'of the old key'}: welcome, ${to}`)
  if (id === 'welcome-1') return `sent to ${to}`
})
const stop = new AbortController()
const run = runAllWorkers([worker], stop.signal, { logger: pino({ level: 'silent' }) })
const results = await Promise.allSettled(['1', '2', '3'].map((nth) => queue.result(`welcome-${nth}`)))
console.log(`result: ${(results[0] as PromiseFulfilledResult<string>).value}`)
const moved = await queue.get('welcome-3')
console.log(
  `moved to another job: ${moved!.status}, ${/payload cannot be decoded/.exec(moved!.lastError!)?.[0]}`,
)
stop.abort()
await run
