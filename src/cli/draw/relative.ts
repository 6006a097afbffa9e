/** How far away a moment is, as people say it. Pure: knows no time zone, and no clock but the one it is given. */

const second = 1_000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour
/** Of the Gregorian calendar, on average. */
const year = 365.2425 * day

/** Each unit, and from how many milliseconds on it is used: two of it at least, so that little is lost by rounding. */
const units = [
  [2 * year, year, 'years'],
  // Two months and four weeks would be two months.
  [120 * day, year / 12, 'months'],
  [2 * day, day, 'days'],
  [2 * hour, hour, 'h'],
  [2 * minute, minute, 'min'],
  [0, second, 's'],
] as const

/**
 * `3 days ago`, `in 2 h`, `now`. Rounded towards now: what is `in 13 days` has no less than 13 whole days left, what
 * was `3 days ago` is at least that old. What a command has just made to last 24 h does, though a moment of it is gone.
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
