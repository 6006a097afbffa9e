/** Shows what a row of the audit log changed, field by field. */
import type { AuditAgainst, AuditCheck, AuditEntry, Limit, UserRef } from '../../../contract/views.ts'
import { many, typed } from '../../../text/quantity.ts'
import type { Brush } from '../../declare/brush.ts'
import { label, labelled } from '../../draw/card.ts'
import { limitNameText, reference } from '../../draw/columns.ts'
import { widthOf } from '../../terminal/width.ts'

/** On one line: `tokens 100k/5h → 500k/5h, expires never → 2027-02-26 10:00`. Empty for erased things. */
export const auditChange = ({ before, after }: Pick<AuditEntry, 'before' | 'after'>, brush: Brush): string =>
  after === null ? '' : changes(before, after, brush).join(', ')

/** In full: who, when, from where, on what, and each change on its own line. */
export function auditLines(entry: AuditEntry, brush: Brush): string {
  const { id, at, actor, as, origin, action, target, before, after } = entry
  const found = after === null ? facts(before, brush, []) : changes(before, after, brush)
  const rows: readonly (readonly [string, readonly string[]])[] = [
    ['at', [brush.dated(at)]],
    ['actor', [actor]],
    ['as', [as]],
    ['from', [origin]],
    ['action', [action]],
    ['on', [`${target.type} ${target.name === null ? target.id : `${target.name} (${target.id})`}`]],
    [after === null && before !== null ? 'was' : 'change', found.length === 0 ? ['none'] : found],
    ['id', [id]],
  ]
  const widest = Math.max(...rows.map(([title]) => widthOf(title)))
  return rows.flatMap(([title, values]) => labelled(title, widest, values, brush)).join('\n')
}

/** What a check of the chain found, one finding a line, then what a backup says. */
export function auditCheckLines(check: AuditCheck, brush: Brush): string {
  const { rows, head, erased, pruned, problems, moreProblems, against } = check
  return [
    ...(check.ok
      ? [`${brush.good('ok')}: ${many(rows, 'change')}, chained up to row ${head.seq} (${head.hash})`]
      : []),
    ...problems.map(
      ({ kind, seq, id, detail }) =>
        `${brush.bad(kind)}: row ${seq}${id === null ? '' : ` (${id})`}: ${detail}`,
    ),
    ...(moreProblems > 0 ? [`and ${many(moreProblems, 'more problem')}`] : []),
    ...(pruned === null ? [] : [`Rows up to ${pruned.seq} were pruned`]),
    ...(erased === 0
      ? []
      : [`${many(erased, 'row')} named an erased user, and ${erased === 1 ? 'is' : 'are'} erased in part`]),
    ...(against === null ? [] : [againstLine(against, brush)]),
  ].join('\n')
}

function againstLine({ backup, seq, state, restore }: AuditAgainst, brush: Brush): string {
  if (state === 'present') return `The log of ${backup}, which ends at row ${seq}, is part of it`
  if (state === 'pruned') return `The log of ${backup} ends at row ${seq}, which was pruned since`
  if (restore === null) return `The log of ${backup} is not part of it`
  return `The log of ${backup} goes on to row ${seq}; ${restore.actor} restored an older one at ${brush.time(restore.at)} (row ${restore.seq}, ${restore.id})`
}

/** Each field that differs; for new things, each field that was given. */
function changes(before: unknown, after: unknown, brush: Brush): readonly string[] {
  if (before === null) return facts(after, brush, obvious)
  const [old, now] = [fieldsOf(before), fieldsOf(after)]
  return Object.keys(now).flatMap(field =>
    isTold(field, now) ? [] : differences(field, old[field], now[field], brush),
  )
}

/** Fields of new things that repeat what the row says, or are of nothing yet. */
const obvious = [
  'id',
  'name',
  'username',
  'slug',
  'start',
  'status',
  'createdAt',
  'updatedAt',
  'memberLimits',
]

/** The time of disabling, revoking or archiving is the time of the row. */
const isTold = (field: string, now: Readonly<Record<string, unknown>>): boolean =>
  'status' in now && ['disabledAt', 'revokedAt', 'archivedAt'].includes(field)

function facts(value: unknown, brush: Brush, without: readonly string[]): readonly string[] {
  return Object.entries(fieldsOf(value)).flatMap(([field, each]) => {
    if (without.includes(field) || each === null || each === false || isEmpty(each)) return []
    if (isLimits(each)) return each.map(limit => `${limit.metric} ${limitText(limit, brush)}`)
    return [`${label(field)} ${text(field, each, brush)}`]
  })
}

function differences(field: string, before: unknown, after: unknown, brush: Brush): readonly string[] {
  if (isLimits(before) && isLimits(after)) return limitChanges(before, after, brush)
  const title = label(field)
  if (isPlain(before) && isPlain(after)) {
    return [...new Set([...Object.keys(before), ...Object.keys(after)])]
      .filter(name => !Bun.deepEquals(before[name], after[name]))
      .map(
        name =>
          `${title}.${name} ${arrow(text('', before[name], brush), text('', after[name], brush), brush)}`,
      )
  }
  if (isMembers(before) && isMembers(after)) {
    const roles = (members: readonly Member[]) =>
      new Map(members.map(each => [each.user.username, each.role]))
    const [old, now] = [roles(before), roles(after)]
    return [...new Set([...old.keys(), ...now.keys()])]
      .filter(name => old.get(name) !== now.get(name))
      .map(name => `member ${name} ${arrow(old.get(name) ?? 'none', now.get(name) ?? 'none', brush)}`)
  }
  return [`${title} ${arrow(text(field, before, brush), text(field, after, brush), brush)}`]
}

/** Limits that were added, removed or changed. An added and a removed limit of one metric share a line. */
function limitChanges(
  before: readonly AuditedLimit[],
  after: readonly AuditedLimit[],
  brush: Brush,
): readonly string[] {
  const metrics = [...new Set([...before, ...after].map(({ metric }) => metric))]
  return metrics.flatMap(metric => {
    const of = (limits: readonly AuditedLimit[]) => limits.filter(limit => limit.metric === metric)
    const kept = of(before).flatMap(old => {
      const now = of(after).find(each => limitNameText(each, brush) === limitNameText(old, brush))
      return now === undefined ? [] : [[old, now] as const]
    })
    const gone = of(before).filter(limit => !kept.some(([old]) => old === limit))
    const come = of(after).filter(limit => !kept.some(([, now]) => now === limit))
    const moved = Array.from(
      { length: Math.max(gone.length, come.length) },
      (_, n) => [gone[n], come[n]] as const,
    )
    const show = (limit: AuditedLimit | undefined) => (limit === undefined ? 'none' : limitText(limit, brush))
    return [
      ...kept.flatMap(([old, now]) => {
        const used = (limit: AuditedLimit) => amountText(metric, limit.used ?? 0)
        if (old.amount !== now.amount) return [`${metric} ${arrow(show(old), show(now), brush)}`]
        if (old.used === now.used) return []
        return [`${limitNameText(now, brush)} used ${arrow(used(old), used(now), brush)}`]
      }),
      ...moved.map(([old, now]) => `${metric} ${arrow(show(old), show(now), brush)}`),
    ]
  })
}

const arrow = (before: string, after: string, brush: Brush): string =>
  `${before} ${brush.unicode ? '→' : '->'} ${after}`

/** `100k/5h`, as people type it. */
const limitText = (limit: Limit, brush: Brush): string =>
  `${amountText(limit.metric, limit.amount)}${limitNameText(limit, brush).slice(limit.metric.length)}`

const amountText = (metric: string, amount: number): string =>
  metric === 'usd' ? String(amount) : typed(amount)

const absences: Readonly<Record<string, string>> = { expiresAt: 'never', allowedModels: 'any' }

function text(field: string, value: unknown, brush: Brush): string {
  if (value === null || value === undefined || isEmpty(value)) return absences[field] ?? 'none'
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  if (typeof value === 'number') return field.endsWith('Usd') ? brush.dollars(value) : brush.count(value)
  if (typeof value === 'string') return moment.test(value) ? brush.time(new Date(value)) : value
  if (Array.isArray(value)) return value.map(each => text('', each, brush)).join(' ')
  return isPlain(value) ? JSON.stringify(value) : reference(value as UserRef)
}

/** JSON turns dates into text, and the log stores JSON. */
const moment = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

const isEmpty = (value: unknown): boolean =>
  value === '' || (typeof value === 'object' && value !== null && Object.keys(value).length === 0)

const fieldsOf = (value: unknown): Readonly<Record<string, unknown>> => ({ ...Object(value) })

/** In the row of a reset, with what was used of the limit. */
type AuditedLimit = Limit & { readonly used?: number }

const isLimits = (value: unknown): value is readonly AuditedLimit[] =>
  Array.isArray(value) && value.every(each => isPlain(each) && 'metric' in each && 'windowMs' in each)

interface Member {
  readonly user: { readonly username: string }
  readonly role: string
}

const isMembers = (value: unknown): value is readonly Member[] =>
  Array.isArray(value) && value.every(each => isPlain(each) && 'user' in each && 'role' in each)

/** An object that is not a reference. References are shown by name. */
const isPlain = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  !('username' in value || 'slug' in value)
