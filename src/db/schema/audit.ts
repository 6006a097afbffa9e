/** Who changed what, and when. The rows form a chain: `../chain.ts`. */
import { check, id, index, integer, isJson, sql, table, text, uniqueIndex } from './columns.ts'

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
    /** JSON, as text: its bytes are what was hashed. */
    before: text('before'),
    after: text('after'),
    /** The order of the rows, from 1. */
    seq: integer('seq').notNull(),
    /** The hash of the row before. */
    previous: text('previous').notNull(),
    salt: text('salt').notNull(),
    hash: text('hash').notNull(),
  },
  t => [
    auditId.check,
    index('audit_at').on(t.at, t.seq),
    index('audit_target').on(t.targetId),
    uniqueIndex('audit_seq').on(t.seq),
    check('audit_origin', sql`${t.origin} IN ('terminal', 'cron', 'service', 'script', 'library')`),
    check(
      'audit_json',
      sql`(${t.before} IS NULL OR ${isJson(t.before)}) AND (${t.after} IS NULL OR ${isJson(t.after)})`,
    ),
    check('audit_chain', sql`${t.seq} > 0 AND length(${t.previous}) = 64 AND length(${t.hash}) = 64`),
  ],
)
