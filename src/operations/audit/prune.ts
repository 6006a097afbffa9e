/** Removes the oldest rows of the audit log. A row of its own says where what is left follows on. */
import { LatchkeyError } from '../../contract/errors.ts'
import type { PrunedAudit } from '../../contract/views.ts'
import type { Database } from '../../db/engine.ts'
import { asc, desc, gte, lte } from '../../db/query.ts'
import { audit } from '../../db/schema/audit.ts'
import { record } from '../audit.ts'
import type { OperationContext } from '../context.ts'
import { type AuditPruning, auditPruning } from '../input.ts'
import { parse } from '../rules/input.ts'
import type { VerifyContext } from './verify.ts'

/**
 * Removes every row up to the first one from `before` on, so that clocks which were set back leave no gap. Nothing to remove
 * writes nothing. Warns if no backup is known that still has these rows.
 *
 * @throws invalid (a moment in the future)
 */
export async function pruneAudit(context: VerifyContext, pruning: AuditPruning): Promise<PrunedAudit> {
  requirePast(context, pruning)
  const pruned = await context.store.write(async db => {
    const { through, rows } = await prunable(db, pruning)
    if (through === null) return { rows, through }
    await record(context, db, {
      action: 'audit.prune',
      target: { type: 'audit', id: `${through.seq}`, name: null },
      after: { ...through, rows, before: pruning.before.toISOString() },
    })
    await db.delete(audit).where(lte(audit.seq, through.seq))
    return { rows, through }
  })
  const shown = await withBackup(context, pruning, pruned)
  if (shown.rows > 0 && shown.backup === null) {
    context.onWarning?.('no backup of this database is known that still has these rows')
  }
  return shown
}

/** What `pruneAudit` would remove. @throws as `pruneAudit` */
export async function planAuditPrune(context: VerifyContext, pruning: AuditPruning): Promise<PrunedAudit> {
  requirePast(context, pruning)
  return withBackup(context, pruning, await context.store.read(db => prunable(db, pruning)))
}

function requirePast(context: OperationContext, pruning: AuditPruning): void {
  const { before } = parse(auditPruning, pruning)
  if (before.getTime() <= context.now().getTime()) return
  throw new LatchkeyError(
    'invalid',
    'the rows to remove must be from before now',
    'give an age: latchkey audit prune --older-than 365d',
  )
}

type Prunable = Pick<PrunedAudit, 'rows' | 'through'>

async function prunable(db: Database, { before }: AuditPruning): Promise<Prunable> {
  const { seq, hash, at } = audit
  const [kept] = await db
    .select({ seq })
    .from(audit)
    .where(gte(at, before.getTime()))
    .orderBy(asc(seq))
    .limit(1)
  const fits = kept && lte(seq, kept.seq - 1)
  const [through] = await db.select({ seq, hash }).from(audit).where(fits).orderBy(desc(seq)).limit(1)
  return through === undefined ? { rows: 0, through: null } : { rows: await db.$count(audit, fits), through }
}

/** The newest backup of the database that has the rows. */
async function withBackup(
  context: VerifyContext,
  { before }: AuditPruning,
  pruned: Prunable,
): Promise<PrunedAudit> {
  const { through } = pruned
  if (through === null) return { ...pruned, before, backup: null }
  return { ...pruned, before, backup: await newestWith(context, through.seq) }
}

/** null also where backups cannot be looked at: then none is known. */
async function newestWith(context: VerifyContext, seq: number): Promise<string | null> {
  const { surveyOwn } = await import('../file/backup/list.ts')
  try {
    const { backups } = await surveyOwn(context.files(), undefined)
    const has = backups.find(({ manifest: { auditHead } }) => auditHead !== null && auditHead.seq >= seq)
    return has?.manifest.id ?? null
  } catch (error) {
    if (error instanceof LatchkeyError) return null
    throw error
  }
}
