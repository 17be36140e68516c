import { runAllWorkers } from 'runutil'
import { ErrLostLease as ofCoordinate } from 'runutil/coordinate'
import { LeaseLostError } from 'runutil/leases'
import { ErrLostLease, JobQueue, MemoryJobStore, QueueWorker } from 'runutil/queue'
import { expect, it } from 'vitest'
import { capturedLogger } from '../support/logs.ts'

it('ErrLostLease is one class for queue and coordinate, which LeaseLostError extends', () => {
  expect(ofCoordinate).toBe(ErrLostLease)
  const lost = new LeaseLostError('nightly')
  expect(lost).toBeInstanceOf(ErrLostLease)
  expect(lost).toMatchObject({ name: 'LeaseLostError', code: 'ERR_LEASE_LOST', lease: 'nightly' })
})

it('a LeaseLostError thrown by a handler fails the job and does not count as the loss of its lease', async () => {
  const { logger, lines } = capturedLogger()
  const queue = new JobQueue(new MemoryJobStore())
  const stop = new AbortController()
  const worker = new QueueWorker(queue, { concurrency: 1 }).register('report', () => {
    throw new LeaseLostError('nightly')
  })
  queue.onEvent((event) => void (event.type === 'settled' && stop.abort()))
  await queue.enqueue({ id: '1', kind: 'report' })
  await runAllWorkers([worker], stop.signal, { logger })
  expect(lines.map(({ msg }) => msg)).toContain('job failed')
  expect(await queue.get('1')).toMatchObject({ status: 'FAILED' })
})
