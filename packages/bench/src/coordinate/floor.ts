import type { Database } from 'runutil/postgres'

/** The least that SQL can do: one table, units taken with SKIP LOCKED and marked as done; no leases, specs or limits. */
export class Floor {
  readonly #database: Database

  static async create(database: Database): Promise<Floor> {
    await database.query({
      text: `create table floor (id bigint generated always as identity primary key, name text not null unique,
        data json not null, state text not null default 'open')`,
    })
    await database.query({ text: `create index floor_open on floor (id) where state = 'open'` })
    return new Floor(database)
  }

  private constructor(database: Database) {
    this.#database = database
  }

  async add(units: readonly { name: string; data: object }[]): Promise<void> {
    const text =
      'insert into floor (name, data) select name, data::json from unnest($1::text[], $2::text[]) as u (name, data)'
    await this.#database.query({ text }, [
      units.map(({ name }) => name),
      units.map(({ data }) => JSON.stringify(data)),
    ])
  }

  /** @param inOne whether units are marked as done by the statement that takes the next ones; several askers may deadlock then */
  async workOff(batch: number, askers: number, inOne: boolean): Promise<void> {
    const ask = (): Promise<void> => (inOne ? this.#askInOne(batch) : this.#ask(batch))
    await Promise.all(Array.from({ length: askers }, ask))
  }

  async #ask(batch: number): Promise<void> {
    for (;;) {
      const rows = await this.#database.query<[string]>({ name: 'take', text: TAKE }, [batch])
      if (rows.length === 0) return
      const done = `update floor set state = 'done' where id = any ($1::bigint[])`
      await this.#database.query({ name: 'done', text: done }, [rows.map(([id]) => id)])
    }
  }

  async #askInOne(batch: number): Promise<void> {
    const text = `with done as (update floor set state = 'done' where id = any ($2::bigint[])) ${TAKE}`
    let taken: string[] = []
    do {
      const rows = await this.#database.query<[string]>({ name: 'done and take', text }, [batch, taken])
      taken = rows.map(([id]) => id)
    } while (taken.length > 0)
  }
}

const TAKE = `update floor set state = 'pending' where id in (
  select id from floor where state = 'open' order by id limit $1 for update skip locked) returning id, name, data`
