/** Who changed what, and when. */
import { check, id, index, integer, isJson, sql, table, text } from './columns.ts'

const auditId = id('aud', 'audit')
export const audit = table(
  'audit',
  {
    id: auditId.column,
    at: integer('at').notNull(),
    actor: text('actor').notNull(),
    origin: text('origin', { enum: ['terminal', 'cron', 'service', 'script', 'library'] }).notNull(),
    action: text('action').notNull(),
    targetType: text('target_type').notNull(),
    targetId: text('target_id').notNull(),
    targetName: text('target_name'),
    before: text('before', { mode: 'json' }).$type<unknown>(),
    after: text('after', { mode: 'json' }).$type<unknown>(),
  },
  t => [
    auditId.check,
    index('audit_at').on(t.at),
    index('audit_target').on(t.targetId),
    check('audit_origin', sql`${t.origin} IN ('terminal', 'cron', 'service', 'script', 'library')`),
    check(
      'audit_json',
      sql`(${t.before} IS NULL OR ${isJson(t.before)}) AND (${t.after} IS NULL OR ${isJson(t.after)})`,
    ),
  ],
)
