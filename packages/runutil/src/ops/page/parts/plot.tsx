import { useState } from 'preact/hooks'
import { clockTime } from '../../format.ts'
import { type Series, linesOf, roundMax } from './plot-lines.ts'

export interface PlotProps {
  readonly title: string
  /** Of each point, in ms since the epoch. */
  readonly times: readonly number[]
  /** At most three. The first is filled; each has its own colour and its own dashes. */
  readonly series: readonly Series[]
  /** A value with its unit. */
  format(value: number | undefined): string
  /** The whole of it in words, for whoever doesn't see it, and whoever does. */
  readonly summary: string
}

/** Lines over time. Its texts are HTML, so that it is as wide as there is room, and of the colours of the page. */
export function Plot({ title, times, series, format, summary }: PlotProps) {
  const [hovered, setHovered] = useState<number | undefined>(undefined)
  const last = times.length - 1
  const at = hovered === undefined ? last : Math.min(hovered, last)
  const top = roundMax(series)
  const onPointerMove = (event: PointerEvent & { readonly currentTarget: Element }): void => {
    const { left, width } = event.currentTarget.getBoundingClientRect()
    setHovered(Math.round(Math.max(0, Math.min(1, (event.clientX - left) / width)) * last))
  }
  return (
    <figure class="plot">
      <figcaption>
        <h2>{title}</h2>
        <p class="dim">{summary}</p>
      </figcaption>
      {last < 1 ? (
        <p class="plot-empty dim">not enough points yet</p>
      ) : (
        <div class="plot-area" aria-hidden="true">
          <div class="plot-values dim">
            <span>{format(top)}</span>
            <span>{format(0)}</span>
          </div>
          <div class="plot-lines" onPointerMove={onPointerMove} onPointerLeave={() => setHovered(undefined)}>
            <svg viewBox="0 0 1000 100" preserveAspectRatio="none">
              <path class="grid" d="M0 0H1000M0 50H1000M0 100H1000" />
              {linesOf(times, series, top).map(({ line, area }, index) => (
                <g key={index} class={lookOf(series[index]!, index)}>
                  {index === 0 && <path class="area" d={area} />}
                  <path class="line" d={line} />
                </g>
              ))}
              {hovered !== undefined && <path class="cursor" d={`M${xOf(times, at)} 0V100`} />}
            </svg>
          </div>
          <div class="plot-times dim">
            <span>{clockTime(times[0]!)}</span>
            <span>{clockTime(times[last]!)}</span>
          </div>
        </div>
      )}
      <ul class="legend">
        {series.map((one, index) => (
          <li key={one.name}>
            <svg viewBox="0 0 18 8" aria-hidden="true" class={lookOf(one, index)}>
              <path class="line" d="M0 4H18" />
            </svg>
            {one.name} <span class="legend-value">{format(one.values[at])}</span>
          </li>
        ))}
        {last >= 1 && <li class="dim">at {clockTime(times[at]!)}</li>}
      </ul>
    </figure>
  )
}

function lookOf({ isBad }: Series, index: number): string {
  return `series-${index + 1}${isBad === true ? ' bad' : ''}`
}

function xOf(times: readonly number[], at: number): number {
  const first = times[0] ?? 0
  const last = times.at(-1) ?? 0
  return ((times[at]! - first) / Math.max(1, last - first)) * 1_000
}
