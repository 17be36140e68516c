/** One step of the schema. Its number and text never change once it was released. */
export interface Migration {
  /** Counts from 1, without gaps. */
  readonly number: number
  readonly name: string
  /**
   * Which migration code has to know to work on the schema from here on. Default: the one before this. So a step only adds,
   * and what the version before it uses stays as it is; a later step that takes it away says here which that was.
   */
  readonly needs?: number
  /** @param schema the quoted name of the schema that everything lies in */
  sql(schema: string): string
}
