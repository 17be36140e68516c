/** One step of the schema. Its number and text never change once it was released. */
export interface Migration {
  /** Counts from 1, without gaps. */
  readonly number: number
  readonly name: string
  /** @param schema the quoted name of the schema that everything lies in */
  sql(schema: string): string
}
