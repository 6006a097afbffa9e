/** Bars and sparklines as text. Pure: does not know terminals, colours or what the numbers mean. */

const eighths = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉']
const levels = '▁▂▃▄▅▆▇█'
const asciiLevels = '_.:-=+*#'

/**
 * `width` columns filled from the left, rounded. Only 0 is drawn as empty, and only 1 as full. Without Unicode, whole
 * `#` are used.
 */
export function bar(fraction: number, width: number, unicode = true): string {
  const steps = width * (unicode ? 8 : 1)
  const exact = Number.isNaN(fraction) ? 0 : Math.min(1, Math.max(0, fraction))
  let filled = Math.round(exact * steps)
  if (exact > 0) filled = Math.max(1, filled)
  if (exact < 1) filled = Math.min(steps - 1, filled)
  filled = Math.max(0, Math.min(steps, filled))
  const drawn = unicode
    ? '█'.repeat(Math.floor(filled / 8)) + (eighths[filled % 8] ?? '')
    : '#'.repeat(filled)
  return drawn.padEnd(width)
}

/** One character per value, scaled from 0 to the largest. Only 0 is drawn as the lowest. */
export function sparkline(values: readonly number[], unicode = true): string {
  const marks = unicode ? levels : asciiLevels
  const sizes = values.map(value => (Number.isFinite(value) && value > 0 ? value : 0))
  const largest = sizes.reduce((most, size) => Math.max(most, size), 0)
  const top = marks.length - 1
  return sizes
    .map(size => marks[size === 0 ? 0 : Math.max(1, Math.round((size / largest) * top))] ?? '')
    .join('')
}
