import type { ComponentChildren } from 'preact'

/** What a state means to whoever looks: colour goes by it, and so does nothing but colour. */
export type Tone = 'ok' | 'busy' | 'idle' | 'warn' | 'bad'

/** Forms that can be told apart without colour. */
const SHAPES = {
  disc: <circle cx="6" cy="6" r="4.5" class="fill" />,
  ring: <circle cx="6" cy="6" r="4" class="line" />,
  half: (
    <>
      <circle cx="6" cy="6" r="4" class="line" />
      <path d="M6 2a4 4 0 0 1 0 8z" class="fill" />
    </>
  ),
  dots: <path d="M2 6h.01M6 6h.01M10 6h.01" class="line wide" />,
  bars: <path d="M4 2.5v7M8 2.5v7" class="line wide" />,
  check: <path d="M2 6.5 4.8 9.2 10 3.2" class="line" />,
  cross: <path d="M2.8 2.8l6.4 6.4M9.2 2.8l-6.4 6.4" class="line" />,
  triangle: <path d="M6 1.2 11.3 10.6H.7z" class="fill" />,
  square: <rect x="2" y="2" width="8" height="8" class="line" />,
  arrow: <path d="M10 6a4 4 0 1 1-1.2-2.9M10 1v2.4H7.6" class="line" />,
  play: <path d="M3 1.6 10 6l-7 4.4z" class="fill" />,
  lock: <path d="M3 5.5h6v5H3zM4.3 5.5v-2a1.7 1.7 0 0 1 3.4 0v2" class="line" />,
} as const

export type Shape = keyof typeof SHAPES

export interface MarkProps {
  readonly tone: Tone
  readonly shape: Shape
  readonly children: ComponentChildren
}

/** A state: a form, a colour and its word. */
export function Mark({ tone, shape, children }: MarkProps) {
  return (
    <span class={`mark ${tone}`}>
      <svg viewBox="0 0 12 12" aria-hidden="true">
        {SHAPES[shape]}
      </svg>
      <span>{children}</span>
    </span>
  )
}
