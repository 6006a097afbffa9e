/** Formats moments for a page in one time zone: for text, and so that tables can be sorted. */
import type { Timeline } from '../../../index.ts'

export type Calendar = ReturnType<typeof calendar>

type Period = Timeline['period']

export function calendar(timeZone: string) {
  const format = (options: Intl.DateTimeFormatOptions, locale = 'en-GB') =>
    new Intl.DateTimeFormat(locale, { timeZone, ...options })
  const sortable = format({ dateStyle: 'short', timeStyle: 'short' }, 'sv-SE')
  const dates = format({ day: 'numeric', month: 'long', year: 'numeric' })
  const shortDay = format({ day: 'numeric', month: 'short' })
  const shortMonth = format({ month: 'short', year: 'numeric' })
  const weekday = format({ weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' })
  const month = format({ month: 'long', year: 'numeric' })
  const time = format({ hour: '2-digit', minute: '2-digit' })
  const minute = (moment: Date): string => sortable.format(moment)
  return {
    /** `2026-11-20 04:11` */
    minute,
    /** `2026-11-20` */
    day: (moment: Date): string => minute(moment).slice(0, 10),
    /** `13–20 November 2026`; the end is exclusive. */
    span: ({ start, end }: { readonly start: Date; readonly end: Date }): string =>
      dates.formatRange(start, new Date(end.getTime() - 1)),
    /** The period of a bar, in full. */
    full: (period: Period, start: Date | null): string => {
      if (start === null) return ''
      if (period === 'month') return month.format(start)
      const day = weekday.format(start)
      return period === 'hour' ? `${day}, ${time.format(start)}` : period === 'week' ? `week of ${day}` : day
    },
    /** The label below a bar. For hours, the days that begin, and some hours too if there are few days. */
    label: (period: Period, start: Date | null, bars: number): string => {
      if (start === null) return ''
      if (period === 'month') return shortMonth.format(start)
      if (period !== 'hour') return shortDay.format(start)
      const clock = time.format(start)
      if (clock === '00:00') return shortDay.format(start)
      const hour = Number(clock.slice(0, 2))
      return bars <= 48 && hour % (bars <= 12 ? 2 : 6) === 0 ? clock : ''
    },
  }
}
