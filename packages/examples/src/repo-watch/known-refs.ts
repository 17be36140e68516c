import type { Database } from 'runutil/postgres'
import type { Ref } from './refs.ts'

/** The refs of a repository as last seen by any copy of the program. */
export class KnownRefs {
  readonly #database: Database
  readonly #repository: string

  static async open(database: Database, repository: string): Promise<KnownRefs> {
    await database.query({
      text: 'create table if not exists repo_watch_refs (repository text primary key, fence bigint not null, refs json not null)',
    })
    return new KnownRefs(database, repository)
  }

  private constructor(database: Database, repository: string) {
    this.#database = database
    this.#repository = repository
  }

  /** Undefined before the first look. */
  async load(): Promise<Ref[] | undefined> {
    const text = 'select refs::text from repo_watch_refs where repository = $1'
    const [row] = await this.#database.query<[string]>({ text }, [this.#repository])
    return row && (JSON.parse(row[0]) as Ref[])
  }

  /** @returns false when a copy with a higher fence has looked since: this one was suspended and has lost its lease */
  async save(refs: Ref[], fence: number): Promise<boolean> {
    const text = `insert into repo_watch_refs as known (repository, fence, refs) values ($1, $2::bigint, $3::text::json)
      on conflict (repository) do update set fence = excluded.fence, refs = excluded.refs
      where known.fence <= excluded.fence returning 1`
    const params = [this.#repository, fence, JSON.stringify(refs)]
    return (await this.#database.query({ text }, params)).length > 0
  }
}
