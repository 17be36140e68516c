const LONGEST = 20

/** An id; of a long one the beginning and the end, which tell it from others. The whole is its tooltip, and in its details. */
export function Identifier({ id }: { readonly id: string }) {
  const shown = id.length <= LONGEST ? id : `${id.slice(0, 8)}…${id.slice(-6)}`
  return (
    <code title={id} class="identifier">
      {shown}
    </code>
  )
}
