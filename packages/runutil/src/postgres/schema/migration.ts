/** A migration. Its number and text never change after its release. */
export interface Migration {
  /** Counts from 1, without gaps. */
  readonly number: number
  readonly name: string
  /**
   * The migration that code must know to work with the schema from here on. Default: the previous one. So a migration only
   * adds, and what the previous version uses stays; a later migration that removes it sets this.
   */
  readonly needs?: number
  /** @param schema the quoted name of the schema of all tables */
  sql(schema: string): string
}
