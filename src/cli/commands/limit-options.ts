/** The options for limits that keys and projects have. */
import { opt } from '../declare/define.ts'
import { eachLimit, eachLimitName, limit, limitName } from '../declare/parse.ts'

/** @param summary what `--limit` is for */
export const newLimits = (summary: string) => ({
  limit: opt.many('metric=amount/window', limit, `${summary} (repeatable)`),
  limitEach: opt.many('metric=amount/window', eachLimit, 'The same for each end user (repeatable)'),
})

export const limitChanges = (summary: string) => ({
  ...newLimits(summary),
  noLimit: opt.many('metric[/window]', limitName, 'Remove one limit, or all limits on a metric (repeatable)'),
  noLimitEach: opt.many('metric[/window]', eachLimitName, 'Remove those for each end user (repeatable)'),
})
