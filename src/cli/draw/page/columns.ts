/**
 * A column chart as SVG. Horizontal lengths are percentages, so that it fills any width while its text keeps its size.
 * Pure: does not know what the numbers mean.
 */
import { html, type Markup } from './markup.ts'

interface Bar {
  readonly size: number
  /** What it is and how much, in full. */
  readonly title: string
  /** The label below it, shown if there is room; empty for none. */
  readonly label: string
  /** Whether its period was only counted in part. */
  readonly isPart: boolean
}

export interface ColumnChart {
  readonly title: string
  /** Describes the chart for screen readers. */
  readonly description: string
  readonly bars: readonly Bar[]
  /** Formats an amount for the scale. */
  readonly scale: (size: number) => string
}

const height = 200
const top = 10
const bottom = 26

export function columnChart({ title, description, bars, scale }: ColumnChart): Markup {
  const most = bars.reduce((largest, each) => Math.max(largest, each.size), 0)
  const ticks = niceTicks(most)
  const full = ticks.at(-1) ?? 1
  const y = (size: number): string => (top + (height - top - bottom) * (1 - size / full)).toFixed(1)
  const labels = ticks.map(scale)
  const scaleWidth = Math.max(...labels.map(label => label.length)) * 7 + 10
  const step = 100 / bars.length
  const percent = (value: number): string => `${Number(value.toFixed(3))}%`
  return html`<div class="plot">
<svg class="scale" width="${scaleWidth}" height="${height}" aria-hidden="true">${ticks.map(
    (tick, n) =>
      html`<text x="${scaleWidth - 8}" y="${y(tick)}" dy="0.35em" text-anchor="end">${labels[n] ?? ''}</text>`,
  )}</svg>
<svg class="columns" width="100%" height="${height}" role="img" aria-labelledby="columns-title columns-description">
<title id="columns-title">${title}</title>
<desc id="columns-description">${description}</desc>
${ticks.slice(1).map(tick => html`<line x1="0" x2="100%" y1="${y(tick)}" y2="${y(tick)}"/>`)}
${bars.map(({ size, title, isPart }, n) => {
  // Only 0 is drawn as nothing.
  const barTop = size === 0 ? y(0) : Math.min(Number(y(size)), Number(y(0)) - 1).toFixed(1)
  const drawn = html`<rect${isPart ? html` class="part"` : ''} x="${percent((n + gap / 2) * step)}" width="${percent(step * (1 - gap))}" y="${barTop}" height="${(Number(y(0)) - Number(barTop)).toFixed(1)}"/>`
  return html`<g><title>${title}</title>${drawn}</g>`
})}
<line class="base" x1="0" x2="100%" y1="${y(0)}" y2="${y(0)}"/>
${labelled(bars).map(
  ({ at, isMore }) =>
    html`<text${isMore ? html` class="more"` : ''} x="${percent((at + 0.5) * step)}" y="${height - 6}" text-anchor="${anchor(at, bars.length)}">${bars[at]?.label ?? ''}</text>`,
)}
</svg>
</div>`
}

/** The share of its place that a bar leaves empty. */
const gap = 0.2

/** A label at the end of the chart would stick out of the page; at its beginning there is the scale. */
const anchor = (at: number, count: number): string => ((at + 0.5) / count > 0.94 ? 'end' : 'middle')

const mostLabels = 10

/** The bars whose labels are shown: as many as fit, and every second of them on a narrow screen. */
function labelled(bars: readonly Bar[]): readonly { readonly at: number; readonly isMore: boolean }[] {
  const all = bars.flatMap(({ label }, at) => (label === '' ? [] : [at]))
  const every = Math.ceil(all.length / mostLabels)
  const shown = all.filter((_, n) => n % every === 0)
  return shown.map((at, n) => ({ at, isMore: n % 2 === 1 && shown.length > mostLabels / 2 }))
}

/** From 0 to the first round number that is at least `most`, in three to five steps. */
export function niceTicks(most: number): readonly number[] {
  if (!(most > 0)) return [0, 1]
  const rough = most / 4
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 2.5, 5, 10].map(each => each * power).find(each => each >= rough * 0.9999) ?? most
  const count = Math.ceil(most / step - 1e-9)
  return Array.from({ length: count + 1 }, (_, n) => Number((n * step).toPrecision(12)))
}
