import { channelName } from '../schema-name.ts'

/** The channel of a queue's notifications, as an SQL literal. @param s the quoted schema */
export function jobsChannel(s: string): string {
  const schema = s.slice(1, -1).replaceAll('""', '"')
  return `'${channelName('jobs', schema).replaceAll("'", "''")}'`
}
