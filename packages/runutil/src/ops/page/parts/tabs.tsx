import { usePage } from '../page-context.ts'
import { Link } from './link.tsx'

export interface TabsProps {
  readonly label: string
  /** Of the field in the address. */
  readonly name: string
  /** The first is that of an address without the field. */
  readonly choices: readonly (readonly [value: string, text: string])[]
}

/** Several lists of one view, of which one is shown. */
export function Tabs({ label, name, choices }: TabsProps) {
  const { fields } = usePage().route
  const shown = fields[name] ?? choices[0]?.[0]
  return (
    <nav class="tabs" aria-label={label}>
      {choices.map(([value, text], at) => (
        <Link
          key={value}
          to={{ fields: at === 0 ? {} : { [name]: value }, selected: undefined }}
          isCurrent={value === shown}
        >
          {text}
        </Link>
      ))}
    </nav>
  )
}
