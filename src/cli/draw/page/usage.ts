/**
 * A usage report as one page to keep or to mail: text, tables and SVG in one file that loads nothing and runs nothing.
 * Pure: an overview in, HTML out. Numbers are computed in the overview, not here.
 */
import { subjectOf } from '../../../contract/views/usage.ts'
import type { ReportGroup, Totals, UsageRow } from '../../../contract/views.ts'
import type { Timeline, UsageOverview } from '../../../index.ts'
import { programVersion } from '../../../system/version.ts'
import { count, dollars, many } from '../../../text/quantity.ts'
import { reference } from '../columns.ts'
import { sumOf } from '../totals.ts'
import { columnChart } from './columns.ts'
import { type Calendar, calendar } from './dates.ts'
import { html, Markup } from './markup.ts'
import { style } from './style.ts'

export function usagePage(overview: UsageOverview): string {
  const dates = calendar(overview.timeZone)
  const title = overview.range === null ? 'Usage' : `Usage, ${dates.span(overview.range)}`
  // Allows only the style below: no script, no image, no font, no connection.
  const hash = new Bun.CryptoHasher('sha256').update(style).digest('base64')
  const policy = `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'`
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<meta name="robots" content="noindex">
<title>${title}</title>
<style>${new Markup(style)}</style>
</head>
<body>
<header>
<h1>${title}</h1>
${about(overview, dates)}
</header>
<main>
${totals(overview)}
${overview.timeline === null ? nothing : course(overview, overview.timeline, dates)}
${overview.shares
  .filter(({ by, rows }) => rows.length > 1 || isAllBy(overview, by))
  .map(share => shares(overview, share))}
${isShownAbove(overview) ? '' : everyRow(overview, dates)}
</main>
<footer>
<p>Recorded by the minute; what an import brought without a time is not in it. Latchkey ${programVersion}.</p>
</footer>
</body>
</html>
`.toString()
}

const nothing = html`<section><p>No usage in that time.</p></section>`

/** The subject of the page, in one line. */
function about({ range, only, timeZone, generatedAt }: UsageOverview, dates: Calendar): Markup {
  const parts = [
    range === null ? [] : html`From ${moment(range.start, dates)} until ${moment(range.end, dates)}`,
    Object.entries(only).map(([what, name]) => html`only ${what} ${isolated(name)}`),
    html`time zone ${timeZone}`,
    html`generated ${moment(generatedAt, dates)}`,
  ].flat()
  return html`<p class="about">${parts.map((part, n) => (n === 0 ? part : html` · ${part}`))}</p>`
}

function totals({ totals, shares, only }: UsageOverview): Markup {
  const { requests, tokens, inputTokens, outputTokens, costUsd, unpricedRequests } = totals
  const unpriced =
    unpricedRequests === 0
      ? ''
      : html`<dd>${number(unpricedRequests)} ${unpricedRequests === 1 ? 'request' : 'requests'} without a price</dd>`
  const keys = shares.find(({ by }) => by === 'key')?.rows.length
  return html`<section aria-labelledby="totals"><h2 id="totals" hidden>In all</h2>
<dl class="totals">
<div><dt>Requests</dt><dd>${number(requests)}</dd></div>
<div><dt>Tokens</dt><dd>${number(tokens)}</dd><dd>${number(inputTokens)} in, ${number(outputTokens)} out</dd></div>
<div><dt>Cost</dt><dd><data value="${costUsd}">${dollars(costUsd)}</data></dd>${unpriced}</div>
${keys === undefined || only.key !== undefined ? '' : html`<div><dt>Keys in use</dt><dd>${number(keys)}</dd></div>`}
</dl>
</section>`
}

/** What is measured, and how it is formatted. */
const metrics = {
  tokens: {
    name: 'Tokens',
    of: (row: Totals) => row.tokens,
    text: (value: number) => many(value, 'token'),
  },
  requests: {
    name: 'Requests',
    of: (row: Totals) => row.requests,
    text: (value: number) => many(value, 'request'),
  },
  cost: { name: 'Cost', of: (row: Totals) => row.costUsd, text: dollars },
} as const

const compact = new Intl.NumberFormat('en-US', { notation: 'compact' })

/** `1.5M`, `$250K`; small amounts of dollars with cents. */
function onScale(sort: UsageOverview['sort'], largest: number): (value: number) => string {
  if (sort !== 'cost') return value => compact.format(value)
  const digits = largest >= 0.1 ? 2 : digitsFor(largest)
  return value => `$${value === 0 || largest >= 10 ? compact.format(value) : value.toFixed(digits)}`
}

function course(overview: UsageOverview, timeline: Timeline, dates: Calendar): Markup {
  const { sort } = overview
  const { period, rows, firstIsPart, lastIsPart } = timeline
  const { name, of, text } = metrics[sort]
  const bars = rows.map((row, n) => {
    const isPart = (n === 0 && firstIsPart) || (n === rows.length - 1 && lastIsPart)
    return {
      size: of(row),
      title: `${dates.full(period, row.start)}: ${text(of(row))}${isPart ? ', in part' : ''}`,
      label: dates.label(period, row.start, rows.length),
      isPart,
    }
  })
  const largest = rows.toSorted((a, b) => of(b) - of(a))[0]
  const an = period === 'hour' ? 'an hour' : `a ${period}`
  const most = largest ? `Most in ${an}: ${text(of(largest))}, ${dates.full(period, largest.start)}.` : ''
  const parts = bars.some(bar => bar.isPart) ? ` A lighter bar is ${an} that is counted in part.` : ''
  const isWhole = isAllBy(overview, period)
  return html`<section aria-labelledby="course"><h2 id="course">${name} by ${period}</h2>
<figure>
${columnChart({
  title: `${name} by ${period}`,
  description: `${most} The table that follows has every number.`,
  bars,
  scale: onScale(sort, largest ? of(largest) : 0),
})}
<figcaption>${most}${parts}</figcaption>
</figure>
<details${isWhole ? html` open` : ''}><summary>Every ${period} in a table</summary>
${rowTable({ caption: `Usage by ${period}`, by: [period], rows, total: overview.totals, dates })}
</details>
</section>`
}

const subjects = {
  key: 'Keys',
  user: 'Users',
  project: 'Projects',
  org: 'Organizations',
  team: 'Teams',
  model: 'Models',
} as const
const mostShown = 10
const forEachTeam = ' What members of several teams used counts for each of them.'

/** Who or what used most, with bars in the table. */
function shares(overview: UsageOverview, { by, rows }: UsageOverview['shares'][number]): Markup {
  const { sort } = overview
  const { name, of } = metrics[sort]
  const all = of(overview.totals)
  const largest = rows[0] ? of(rows[0]) : 0
  const shown = isAllBy(overview, by) ? rows : rows.slice(0, mostShown)
  const others = rows.slice(shown.length)
  const share = (part: number): string => (all === 0 ? '' : percent(part / all))
  const money = moneyIn(rows)
  const cells = (row: Totals) =>
    html`<td class="more">${share(of(row))}</td><td>${number(row.tokens)}</td><td>${number(row.requests)}</td><td>${money(row.costUsd)}</td>`
  const title = `${subjects[by]} by ${name.toLowerCase()}`
  const id = `by-${by}`
  return html`<section aria-labelledby="${id}"><h2 id="${id}">${title}</h2>
${scroller(
  id,
  html`<table class="shares">
<caption>${shown.length < rows.length ? `The ${mostShown} largest of ${count(rows.length)}. ` : ''}Bars compare with the largest<span class="more">, shares are of the whole</span>.${by === 'team' ? forEachTeam : ''}</caption>
<thead><tr><th class="name" scope="col">${subjects[by].slice(0, -1)}</th><th class="more" scope="col">Share</th><th scope="col">Tokens</th><th scope="col">Requests</th><th scope="col">Cost</th></tr></thead>
<tbody>
${shown.map(
  row =>
    html`<tr><th class="name" scope="row">${nameOf(row, by)}${bar(largest === 0 ? 0 : of(row) / largest)}</th>${cells(row)}</tr>
`,
)}</tbody>
${others.length === 0 ? '' : html`<tfoot><tr><th class="name" scope="row">${many(others.length, 'other')}</th>${cells(sumOf(others))}</tr></tfoot>`}
</table>`,
)}
</section>`
}

const bar = (fraction: number): Markup =>
  html`<svg class="share" width="100%" height="6" aria-hidden="true"><rect width="${Number((fraction * 100).toFixed(2))}%" height="6" rx="1"/></svg>`

/** Less than 0.1% is not shown as 0. */
const percent = (fraction: number): string =>
  fraction > 0 && fraction < 0.001
    ? '<0.1%'
    : fraction > 0.999 && fraction < 1
      ? '>99.9%'
      : `${(fraction * 100).toFixed(1)}%`

/** Whether all rows of this group alone were requested. */
const isAllBy = ({ by, top }: UsageOverview, group: ReportGroup): boolean =>
  top === null && by.length === 1 && by[0] === group

/** Whether a section above has all rows of the requested report. */
const isShownAbove = (overview: UsageOverview): boolean =>
  overview.by.length === 0 ||
  overview.rows.length === 0 ||
  overview.shares.some(({ by }) => isAllBy(overview, by)) ||
  (overview.timeline !== null &&
    isAllBy(overview, overview.timeline.period) &&
    overview.rows.length === overview.timeline.rows.length)

function everyRow({ by, rows, top, totals }: UsageOverview, dates: Calendar): Markup {
  const names = new Intl.ListFormat('en-GB').format(by)
  const caption = `Usage by ${names}${top === null ? '' : `, the ${count(top)} largest`}: ${many(rows.length, 'row')}${by.includes('team') ? `.${forEachTeam}` : ''}`
  return html`<section aria-labelledby="rows"><h2 id="rows">By ${names}</h2>
${rowTable({ caption, by, rows, total: top === null ? totals : undefined, dates })}
</section>`
}

interface RowTable {
  readonly caption: string
  readonly by: readonly ReportGroup[]
  readonly rows: readonly UsageRow[]
  /** The totals of all rows; undefined if only the largest are shown. */
  readonly total: Totals | undefined
  readonly dates: Calendar
}

function rowTable({ caption, by, rows, total, dates }: RowTable): Markup {
  const money = moneyIn(rows)
  const amounts = (row: Totals) =>
    html`<td>${number(row.requests)}</td><td>${number(row.inputTokens)}</td><td>${number(row.outputTokens)}</td><td>${number(row.tokens)}</td><td>${money(row.costUsd)}</td>`
  const titles = by.map(group =>
    group in subjects
      ? html`<th class="name" scope="col">${subjects[group as keyof typeof subjects].slice(0, -1)}</th>`
      : html`<th class="time" scope="col">${group.charAt(0).toUpperCase() + group.slice(1)}</th>`,
  )
  const head = (row: UsageRow): readonly Markup[] =>
    by.map((group, n) => {
      const cell = group in subjects ? nameOf(row, group as keyof typeof subjects) : timeOf(row, group, dates)
      const kind = group in subjects ? 'name' : 'time'
      return n === 0
        ? html`<th class="${kind}" scope="row">${cell}</th>`
        : html`<td class="${kind}">${cell}</td>`
    })
  return scroller(
    `table-${by.join('-')}`,
    html`<table data-rows="${by.join(',')}" id="table-${by.join('-')}">
<caption>${caption}</caption>
<thead><tr>${titles}<th scope="col">Requests</th><th scope="col">Input</th><th scope="col">Output</th><th scope="col">Tokens</th><th scope="col">Cost</th></tr></thead>
<tbody>
${rows.map(
  row =>
    html`<tr>${head(row)}${amounts(row)}</tr>
`,
)}</tbody>
${total === undefined || rows.length < 2 ? '' : html`<tfoot><tr><th class="name" scope="row" colspan="${by.length}">Total</th>${amounts(total)}</tr></tfoot>`}
</table>`,
  )
}

/** Wide content scrolls by itself, also with the keyboard. */
const scroller = (label: string, table: Markup): Markup =>
  html`<div class="scroll" role="region" aria-labelledby="${label}" tabindex="0">${table}</div>`

function nameOf(row: UsageRow, by: keyof typeof subjects): Markup {
  const subject = subjectOf(row, by)
  if (subject === null) return html`<span class="rest">none</span>`
  return isolated(typeof subject === 'string' ? subject : reference(subject))
}

/** A name may be written from right to left, or contain marks that change the direction. */
const isolated = (name: string): Markup => html`<bdi>${name}</bdi>`

const timeOf = ({ start }: UsageRow, group: string, dates: Calendar): Markup =>
  start === null
    ? html``
    : html`<time datetime="${start.toISOString()}">${group === 'hour' ? dates.minute(start) : group === 'month' ? dates.day(start).slice(0, 7) : dates.day(start)}</time>`

const moment = (date: Date, dates: Calendar): Markup =>
  html`<time datetime="${date.toISOString()}">${dates.minute(date)}</time>`

/** A number as written and as copied; these are the same if there are no separators. */
const number = (value: number): Markup =>
  value < 1_000 ? html`${value}` : html`<data value="${value}">${count(value)}</data>`

/** Dollars with the same number of digits in a whole column: as many as its largest value needs. */
function moneyIn(rows: readonly Totals[]): (value: number) => Markup {
  const digits = digitsFor(rows.reduce((most, row) => Math.max(most, row.costUsd), 0))
  const least = 10 ** -digits
  const format = new Intl.NumberFormat('en-US', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  })
  const text = (value: number): string =>
    value > 0 && value < least / 2 ? `<$${format.format(least)}` : `$${format.format(value)}`
  return value => html`<data value="${value}">${text(value)}</data>`
}

const digitsFor = (largest: number): number => (largest === 0 || largest >= 1 ? 2 : largest >= 0.01 ? 4 : 6)
