import type { ComponentChildren } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { usePage } from '../page-context.ts'

/** The filters of a view. They are in the address. */
export function FilterBar({
  label,
  children,
}: {
  readonly label: string
  readonly children: ComponentChildren
}) {
  return (
    <search class="filters" aria-label={label}>
      <form onSubmit={(event) => event.preventDefault()}>{children}</form>
    </search>
  )
}

export interface FilterProps {
  /** Of the field in the address. */
  readonly name: string
  readonly label: string
}

/** Other filters begin at the first page again. */
function useField(name: string): readonly [string, (value: string) => void] {
  const { route, go } = usePage()
  const set = (value: string): void => {
    go({ fields: { ...route.fields, after: '', [name]: value } }, true)
  }
  return [route.fields[name] ?? '', set]
}

const TYPING_MS = 250

/** Takes effect when nothing was typed for a moment. */
export function TextFilter({ name, label, hint }: FilterProps & { readonly hint?: string }) {
  const [value, set] = useField(name)
  const [typed, setTyped] = useState(value)
  useEffect(() => setTyped(value), [value])
  useEffect(() => {
    if (typed === value) return undefined
    const timer = setTimeout(() => set(typed), TYPING_MS)
    return () => clearTimeout(timer)
  }, [typed])
  return (
    <label class="filter">
      <span>{label}</span>
      <input
        type="search"
        value={typed}
        placeholder={hint}
        spellcheck={false}
        autocomplete="off"
        onInput={(event) => setTyped(event.currentTarget.value)}
      />
    </label>
  )
}

export interface ChoiceFilterProps extends FilterProps {
  readonly choices: readonly (string | readonly [value: string, text: string])[]
  /** What is shown without a choice; undefined: there is always one, the first. */
  readonly none?: string | undefined
}

export function ChoiceFilter({ name, label, choices, none = 'any' }: ChoiceFilterProps) {
  const [value, set] = useField(name)
  const all = choices.map((choice) => (typeof choice === 'string' ? ([choice, choice] as const) : choice))
  // One that isn't known any more is still what is asked for.
  const isKnown = value === '' || all.some(([one]) => one === value)
  return (
    <label class="filter">
      <span>{label}</span>
      <select value={value} onChange={(event) => set(event.currentTarget.value)}>
        <option value="">{none}</option>
        {!isKnown && <option value={value}>{value}</option>}
        {all.map(([one, shown]) => (
          <option key={one} value={one}>
            {shown}
          </option>
        ))}
      </select>
    </label>
  )
}

/** Takes all filters away. Nothing without any. */
export function ClearFilters({ names }: { readonly names: readonly string[] }) {
  const { route, go } = usePage()
  if (!names.some((name) => route.fields[name] !== undefined)) return null
  const rest = Object.entries(route.fields).filter(([name]) => !names.includes(name) && name !== 'after')
  return (
    <button type="button" class="quiet" onClick={() => go({ fields: Object.fromEntries(rest) })}>
      Clear filters
    </button>
  )
}
