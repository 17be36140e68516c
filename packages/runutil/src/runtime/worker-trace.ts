import { Context, type RunScope } from '../core/context.ts'
import type { RecordOwner, WorkerRecord } from '../core/worker-record.ts'

export interface WorkerTraceProps {
  readonly scope: RunScope
  readonly record: WorkerRecord
  /** The name of its context. */
  readonly name: string
  /** Its name in log lines, which includes the names that workers inside of it have. */
  readonly lineName: string
  /** The context that it is started in, if it runs within the entry that has this record. */
  readonly inner?: Context | undefined
}

/** The contexts of a worker's current or last run: that of its code, and that of its log lines. They are one trace. */
export class WorkerTrace {
  readonly #lineName: string
  /** That of the entry around it, if its lines have the same name. */
  readonly #around: WorkerTrace | undefined
  #context: Context
  #lines: Context | undefined

  constructor({ scope, record, name, lineName, inner }: WorkerTraceProps) {
    this.#lineName = lineName
    const around = inner && traceOf(record)
    if (around !== undefined && around.#lineName === lineName) this.#around = around
    this.#context = inner ?? new Context(scope, name, record)
  }

  /** That of its code. */
  get context(): Context {
    return this.#context
  }

  /** That of its starts, ends and failures. A worker that has a name of its own goes on with it. */
  get lines(): Context {
    return (this.#lines ??= this.#around?.lines ?? this.#newLines())
  }

  /** Begins another trace, for another run. */
  begin(): void {
    const { scope, name, record } = this.#context
    this.#context = new Context(scope, name, record)
    this.#follow(this.#newLines())
  }

  #newLines(): Context {
    const { scope, name, record } = this.#context
    return name === this.#lineName ? this.#context : new Context(scope, this.#lineName, record)
  }

  #follow(lines: Context): void {
    this.#lines = lines
    if (this.#around !== undefined) this.#around.#follow(lines)
  }
}

/** That of the nearest entry; undefined outside of any. */
export function traceOf(record: WorkerRecord | undefined): WorkerTrace | undefined {
  const owner: (RecordOwner & { trace?: unknown }) | undefined = record?.owner
  return owner?.trace instanceof WorkerTrace ? owner.trace : undefined
}
