/** Usage as a provider returned it, in place of counts. */
import { tokenNames } from '../../db/facts.ts'
import type { Row } from '../../formats/fields.ts'
import { readProviderUsage } from '../../formats/provider-usage.ts'

/** The same fields with what `usage` says, or what is wrong with it, to continue a sentence about an event. */
export function withReturnedUsage(fields: Row): Row | string {
  const { usage, ...rest } = fields
  if (usage === undefined || usage === null) return rest
  const twice = tokenNames.find(name => (rest[name] ?? null) !== null)
  if (twice !== undefined) return `has both usage and ${twice}`
  const read = readProviderUsage(usage)
  if (typeof read === 'string') return read
  const { model, ...tokens } = read
  return { ...rest, ...tokens, model: rest['model'] ?? model }
}
