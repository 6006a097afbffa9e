/** Formats numbers for people, the same everywhere. Pure. */

const whole = numbers({ maximumFractionDigits: 0 })
const cents = numbers({ minimumFractionDigits: 2, maximumFractionDigits: 2 })
const fine = numbers({ minimumFractionDigits: 2, maximumFractionDigits: 6 })
const tenths = numbers({ maximumFractionDigits: 1 })

/** Created when first needed, because each takes as long as loading a module. */
function numbers(options: Intl.NumberFormatOptions): (value: number) => string {
  let format: Intl.NumberFormat | undefined
  return value => {
    format ??= new Intl.NumberFormat('en-US', options)
    return format.format(value)
  }
}

/** A whole number with thousands separators. */
export const count = (value: number): string => whole(value)

/** As typed, if that is shorter: `100k`, `1.5M`, `2B`; otherwise `12,345`. */
export function typed(value: number): string {
  const plain = count(value)
  const [size, suffix] = sizes.find(([size]) => value >= size) ?? []
  if (size === undefined) return plain
  const short = `${value / size}${suffix}`
  return short.length < plain.length ? short : plain
}

const sizes = [
  [1e9, 'B'],
  [1e6, 'M'],
  [1e3, 'k'],
] as const

/** A count of things: `1 key`, `2,000 keys`. */
export const many = (value: number, thing: string, things = `${thing}s`): string =>
  `${count(value)} ${value === 1 ? thing : things}`

/** Dollars as `$1.25`, with more digits for small amounts. */
export function dollars(value: number): string {
  const size = Math.abs(value)
  return `${value < 0 ? '-' : ''}$${(size < 1 ? fine : cents)(size)}`
}

/** Bytes as `1.2 MiB`. */
export function bytes(value: number): string {
  let size = value
  for (const unit of ['B', 'KiB', 'MiB', 'GiB']) {
    if (size < 1023.95) return `${unit === 'B' ? whole(size) : tenths(size)} ${unit}`
    size /= 1024
  }
  return `${tenths(size)} TiB`
}
