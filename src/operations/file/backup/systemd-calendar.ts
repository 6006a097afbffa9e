/** Converts cron times (crontab(5)) to systemd's (systemd.time(7)). The times must be valid. */

interface Field {
  readonly least: number
  readonly most: number
  readonly names?: readonly string[]
}

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const weekdays = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']

/**
 * Returns calendar events that together mean the same times. There are two if both a day of the month and a weekday are
 * given: cron then runs on either, systemd only on days that match both.
 */
export function calendarOf(cron: string): readonly string[] {
  const nickname = nicknames[cron.trim().toLowerCase()]
  const [minute = '*', hour = '*', day = '*', month = '*', weekday = '*'] = (nickname ?? cron)
    .trim()
    .split(/\s+/)
  const clock = `${list(hour, { least: 0, most: 23 })}:${list(minute, { least: 0, most: 59 })}:00`
  const inMonth = list(month, { least: 1, most: 12, names: months })
  const onDay = list(day, { least: 1, most: 31 })
  const onWeekday = [...expand(weekday, { least: 0, most: 7, names: weekdays })].map(n => n % 7)
  const named = [...new Set(onWeekday)].sort().map(n => capital(weekdays[n] ?? ''))
  const byDay = `*-${inMonth}-${onDay} ${clock}`
  const byWeekday = `${named.join(',')} *-${inMonth}-* ${clock}`
  if (weekday.startsWith('*') && named.length === 7) return [byDay]
  if (day.startsWith('*')) return [byWeekday.replace(`-${inMonth}-*`, `-${inMonth}-${onDay}`)]
  return [byDay, byWeekday]
}

const nicknames: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
}

/** `*`, or a list of all values, so that steps and ranges cannot be read differently. */
function list(text: string, field: Field): string {
  if (text === '*') return '*'
  return [...expand(text, field)]
    .sort((a, b) => a - b)
    .map(n => String(n).padStart(2, '0'))
    .join(',')
}

function expand(text: string, { least, most, names = [] }: Field): ReadonlySet<number> {
  const found = new Set<number>()
  const value = (word: string): number => {
    const name = names.indexOf(word.slice(0, 3).toLowerCase())
    return name === -1 ? Number(word) : name + least
  }
  for (const part of text.split(',')) {
    const [range = '*', step] = part.split('/')
    const [from = '', to] = range.split('-')
    const first = range === '*' ? least : value(from)
    const last = range === '*' ? most : to !== undefined ? value(to) : step === undefined ? first : most
    for (let n = first; n <= last; n += Number(step ?? 1)) found.add(n)
  }
  return found
}

const capital = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1)
