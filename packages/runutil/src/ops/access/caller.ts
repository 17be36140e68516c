/** What a caller of the API may do; 'control' includes 'read'. */
export type Role = 'none' | 'read' | 'control'

/** Who calls. */
export interface Caller {
  readonly role: Role
  /** For the log: the name that `authorize` gave, else the address and how it is known. */
  readonly name: string
}
