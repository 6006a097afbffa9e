/** How far away a moment is, in words. Pure: knows no time zone, and only the clock that it is given. */

const second = 1_000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour
/** The average of the Gregorian calendar. */
const year = 365.2425 * day

/** Each unit, and from how many milliseconds it is used: at least two of it, so that rounding loses little. */
const units = [
  [2 * year, year, 'years'],
  // Two months and four weeks would be shown as two months.
  [120 * day, year / 12, 'months'],
  [2 * day, day, 'days'],
  [2 * hour, hour, 'h'],
  [2 * minute, minute, 'min'],
  [0, second, 's'],
] as const

/**
 * `3 days ago`, `in 2 h`, `now`. Rounded towards now: `in 13 days` is at least 13 whole days away, and `3 days ago` is
 * at least that old. Just created with a duration of 24 h, a thing still shows 24 h.
 */
export function relativeTime(moment: Date, now: Date): string {
  const distance = moment.getTime() - now.getTime()
  const exact = Math.abs(distance)
  const size = exact < minute ? exact : Math.round(exact / second) * second
  const [, length, name] = units.find(([from]) => size >= from) ?? [0, second, 's']
  const count = Math.floor(size / length)
  if (count === 0) return 'now'
  return distance < 0 ? `${count} ${name} ago` : `in ${count} ${name}`
}
