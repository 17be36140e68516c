import { age, instant, time } from '../../format.ts'
import { useNow } from '../page-context.ts'

/** How long ago, or in how long: '5 s ago', with the whole time as its tooltip. @param at ISO 8601; undefined: unknown */
export function Age({ at }: { readonly at: string | undefined }) {
  const now = useNow()
  if (at === undefined) return <span class="unknown">unknown</span>
  return (
    <time dateTime={at} title={time(at)}>
      {age(instant(at), now)}
    </time>
  )
}

/** For how long: '5 s'. */
export function For({ since }: { readonly since: string | undefined }) {
  const now = useNow()
  if (since === undefined) return <span class="unknown">unknown</span>
  return (
    <time dateTime={since} title={time(since)}>
      {age(instant(since), now).replace(' ago', '').replace('now', '0 s')}
    </time>
  )
}
