import { Histogram, bucketNear } from './histogram.ts'
import { numberRows } from './number-rows.ts'

/** So many adjacent buckets, from one duration to 500 times that, have a count in the row. */
const WIDTH = 64
/** The most that such a count can hold. */
const MOST = 2 ** 16 - 1

/** What is where among the numbers of a row, before its counts. */
const SINCE = 0
const DURATION_MS = 1
const TOTAL_MS = 2
const HAS_FAILED = 3
/** The bucket of the last durations, and how many of them are counted nowhere else yet: successive runs are alike. */
const BUCKET = 4
const PENDING = 5
/** The bucket of the first count. */
const FIRST = 6

/** The counts stand behind so many numbers, four in the place of one. */
const NUMBERS = 8
const newRow = numberRows(NUMBERS + WIDTH / 4)

/** The last run of a worker that has ended. */
export interface LastRun {
  /** When it began, on the scale of `clock.elapsed()`. */
  readonly since: number
  readonly durationMs: number
  readonly hasFailed: boolean
}

/** How long the runs of a worker took. With many workers, a run mostly waits for memory, so all that it changes lies in one row. */
export class RunTimes {
  /** Undefined until the first run: an idle worker needs none. */
  #numbers: Float64Array | undefined
  #shorts: Uint16Array | undefined
  #at = 0
  #latency: Histogram | undefined

  addRun(since: number, durationMs: number, hasFailed: boolean): void {
    const numbers = (this.#numbers ??= this.#newRow())
    const at = this.#at
    numbers[at + SINCE] = since
    numbers[at + DURATION_MS] = durationMs
    numbers[at + TOTAL_MS]! += durationMs
    numbers[at + HAS_FAILED] = hasFailed ? 1 : 0
    const expected = numbers[at + BUCKET]!
    const bucket = bucketNear(durationMs, expected)
    if (bucket !== expected) this.#goTo(bucket)
    numbers[at + PENDING]!++
  }

  #newRow(): Float64Array {
    const { numbers, shorts, at } = newRow()
    this.#shorts = shorts
    this.#at = at
    return numbers
  }

  get lastRun(): LastRun | undefined {
    if (this.#numbers === undefined) return undefined
    return {
      since: this.#get(SINCE),
      durationMs: this.#get(DURATION_MS),
      hasFailed: this.#get(HAS_FAILED) === 1,
    }
  }

  /** Then the next run is taken to be short too, where reading the time would cost half as much as the run. */
  get wasLastRunShort(): boolean {
    return this.#numbers !== undefined && this.#get(DURATION_MS) < 1
  }

  /** Of all runs together. */
  get totalMs(): number {
    return this.#numbers === undefined ? 0 : this.#get(TOTAL_MS)
  }

  /** The durations of all runs. */
  get latency(): Histogram {
    if (this.#numbers !== undefined) this.#flush()
    return (this.#latency ??= new Histogram())
  }

  #get(what: number): number {
    return this.#numbers![this.#at + what]!
  }

  #set(what: number, value: number): void {
    this.#numbers![this.#at + what] = value
  }

  #goTo(bucket: number): void {
    const pending = this.#get(PENDING)
    const slot = this.#get(BUCKET) - this.#get(FIRST)
    const at = this.#firstCount + slot
    const counts = this.#shorts!
    if (slot >= 0 && slot < WIDTH && counts[at]! + pending <= MOST) counts[at]! += pending
    else this.#flush()
    this.#set(BUCKET, bucket)
    this.#set(PENDING, 0)
  }

  get #firstCount(): number {
    return (this.#at + NUMBERS) * 4
  }

  #flush(): void {
    const counts = this.#shorts!
    const from = this.#firstCount
    const first = this.#get(FIRST)
    for (let slot = 0; slot < WIDTH; slot++) {
      this.#add(first + slot, counts[from + slot]!)
      counts[from + slot] = 0
    }
    this.#add(this.#get(BUCKET), this.#get(PENDING))
    this.#set(PENDING, 0)
    this.#set(FIRST, Math.max(0, this.#get(BUCKET) - (WIDTH >> 1)))
  }

  #add(bucket: number, count: number): void {
    if (count > 0) (this.#latency ??= new Histogram()).addTo(bucket, count)
  }
}
