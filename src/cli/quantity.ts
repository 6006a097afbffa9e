/** Numbers as people read them, the same wherever they stand. Pure. */

const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 })
const cents = new Intl.NumberFormat('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 })
const fine = new Intl.NumberFormat('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 6 })
const tenths = new Intl.NumberFormat('en-US', { maximumFractionDigits: 1 })

/** A whole number with thousands separators. */
export const count = (value: number): string => whole.format(value)

/** Dollars as `$1.25`, with more digits for small amounts. */
export function dollars(value: number): string {
  const size = Math.abs(value)
  return `${value < 0 ? '-' : ''}$${(size < 1 ? fine : cents).format(size)}`
}

/** Bytes as `1.2 MiB`. */
export function bytes(value: number): string {
  let size = value
  for (const unit of ['B', 'KiB', 'MiB', 'GiB']) {
    if (size < 1023.95) return `${unit === 'B' ? whole.format(size) : tenths.format(size)} ${unit}`
    size /= 1024
  }
  return `${tenths.format(size)} TiB`
}
