import { usePage } from '../page-context.ts'
import { Link } from './link.tsx'

/** Leads to the page after, whose beginning is in the address, and back to the first. */
export function Pager({ next }: { readonly next: string | undefined }) {
  const { fields } = usePage().route
  if (next === undefined && fields['after'] === undefined) return null
  return (
    <nav class="pager" aria-label="Pages">
      {fields['after'] !== undefined && (
        <Link class="button" to={{ fields: { ...fields, after: '' } }}>
          First page
        </Link>
      )}
      {next === undefined ? (
        <span class="dim">no more</span>
      ) : (
        <Link class="button" to={{ fields: { ...fields, after: next } }}>
          Next page →
        </Link>
      )}
    </nav>
  )
}
