/** Durations as they are typed. */

const units = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000, ms: 1 } as const

/** Whole milliseconds as the shortest text, without rounding: `5h`, `1h30m`, `30d`. */
export function durationText(milliseconds: number): string {
  let rest = milliseconds
  let text = ''
  for (const [unit, size] of Object.entries(units)) {
    const count = Math.floor(rest / size)
    if (count > 0) text += `${count}${unit}`
    rest -= count * size
  }
  return text || '0s'
}

/** The same in one unit: `90m`. */
export function inOneUnit(milliseconds: number): string {
  const [unit, size] = Object.entries(units).find(([, size]) => milliseconds % size === 0) ?? ['ms', 1]
  return `${milliseconds / size}${unit}`
}
