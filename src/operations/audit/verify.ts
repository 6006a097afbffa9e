/** Checks the chain of the audit log. Changes nothing; keeps a few of the rows in memory, however many there are. */
import { LatchkeyError } from '../../contract/errors.ts'
import type { AuditAgainst, AuditCheck, AuditProblem } from '../../contract/views.ts'
import type { Head } from '../../db/chain.ts'
import type { Database } from '../../db/engine.ts'
import { asc, desc, eq, gt, inArray } from '../../db/query.ts'
import { audit } from '../../db/schema/audit.ts'
import { identity } from '../../db/schema/identity.ts'
import { isRecord } from '../../formats/fields.ts'
import type { FileContext, OperationContext } from '../context.ts'
import type { Manifest } from '../file/backup/manifest.ts'
import { type AuditCheckInput, auditCheckInput } from '../input.ts'
import { type RowProgress, rowProgress } from '../progress.ts'
import { parse } from '../rules/input.ts'
import { type Followed, Follower, type Row, type Told, toldBy } from './follow.ts'
import { replacedBy } from './replaced.ts'

export interface VerifyContext extends OperationContext {
  /** Where backups are. */
  readonly files: () => FileContext
}

/**
 * Follows the chain from its first row, or from where it was pruned, to its last.
 *
 * @throws not_found, ambiguous, corrupt (the backup), conflict (it is one of another database, or has no chain), permission
 */
export async function verifyAudit(context: VerifyContext, input: AuditCheckInput = {}): Promise<AuditCheck> {
  const { against, from } = parse(auditCheckInput, input)
  const backup = against === undefined ? undefined : await backupOf(context, against, from)
  return context.store.read(async db => {
    if (backup) await requireSame(db, backup)
    const told = await toldIn(db)
    const { head, problems, ...counted } = await followed(db, context, told)
    const compared = backup && compare(backup, await hashAt(db, backup.head.seq), told, await movesIn(db))
    const found = [...problems, ...(compared?.state === 'missing' ? [cut(compared, head)] : [])]
    return {
      ok: found.length === 0,
      ...counted,
      head,
      pruned: told.pruned ?? null,
      problems: found,
      against: compared ?? null,
    }
  })
}

type Listening = Pick<OperationContext, 'onProgress'>

/** Every row that is left. `db` must see one snapshot. */
export const followAll = async (db: Database, context: Listening): Promise<Followed> =>
  followed(db, context, await toldIn(db))

async function followed(db: Database, context: Listening, told: Told): Promise<Followed> {
  const chain = new Follower(told, undefined)
  const tell = await rowProgress(context, 'checking', await db.$count(audit))
  for await (const row of rowsOf(db, tell)) chain.take(row)
  return chain.end()
}

/** What `followNewest` looks at. */
const newest = 1_000

/** The newest rows alone, by one statement: cheap, however long the log is. */
export async function followNewest(db: Database): Promise<Followed> {
  const rows = await db
    .select()
    .from(audit)
    .orderBy(desc(audit.seq))
    .limit(newest + 1)
  // A row that says something about others is newer than those are.
  const told = toldBy(rows)
  const before = rows.length > newest ? rows.pop() : undefined
  const chain = new Follower(told, before)
  for (const row of rows.toReversed()) chain.take(row)
  return chain.end()
}

/** Rows that backups have and the log does not, although nobody pruned them or restored an older log. */
export async function lostSince(
  db: Database,
  head: Head,
  manifests: readonly Manifest[],
): Promise<readonly AuditProblem[]> {
  const backups = manifests.flatMap(manifest =>
    manifest.auditHead === null ? [] : [{ manifest, head: manifest.auditHead }],
  )
  const { seq, hash } = audit
  const ends = inArray(
    seq,
    backups.map(({ head }) => head.seq),
  )
  const rows = backups.length === 0 ? [] : await db.select({ seq, hash }).from(audit).where(ends)
  const there = new Map(rows.map(row => [row.seq, row.hash]))
  const unlike = backups.filter(({ head }) => there.get(head.seq) !== head.hash)
  if (unlike.length === 0) return []
  const [told, moves] = [await toldIn(db), await movesIn(db)]
  const isOlder = ({ createdAt }: Manifest) => createdAt.getTime() <= rechainedAt(moves)
  return unlike
    .filter(({ manifest }) => !isOlder(manifest))
    .map(backup => compare(backup, there.get(backup.head.seq), told, moves))
    .filter(({ state }) => state === 'missing')
    .map(against => cut(against, head))
}

const batchSize = 1_000

async function* rowsOf(db: Database, tell: RowProgress): AsyncGenerator<Row> {
  for (let last = 0; ; ) {
    const rows = await db
      .select()
      .from(audit)
      .where(gt(audit.seq, last))
      .orderBy(asc(audit.seq))
      .limit(batchSize)
    yield* rows
    await tell(rows.length)
    if (rows.length < batchSize) return
    last = rows.at(-1)?.seq ?? last
  }
}

const toldIn = async (db: Database): Promise<Told> =>
  toldBy(
    await db
      .select({ action: audit.action, after: audit.after })
      .from(audit)
      .where(inArray(audit.action, ['audit.prune', 'user.erase']))
      .orderBy(desc(audit.seq)),
  )

async function hashAt(db: Database, seq: number): Promise<string | undefined> {
  const [row] = await db.select({ hash: audit.hash }).from(audit).where(eq(audit.seq, seq)).limit(1)
  return row?.hash
}

function cut({ seq, backup }: AuditAgainst, head: Head): AuditProblem {
  const detail =
    head.seq < seq
      ? `the log ends at row ${head.seq}, and had ${seq} when ${backup} was taken`
      : `row ${seq} is not the one that ${backup} has`
  return { kind: head.seq < seq ? 'cut' : 'replaced', seq: Math.min(seq, head.seq + 1), id: null, detail }
}

interface BackupHead {
  readonly manifest: Manifest
  readonly head: Head
}

async function backupOf(
  context: VerifyContext,
  backup: string,
  from: string | undefined,
): Promise<BackupHead> {
  const { chooseBackup } = await import('../file/backup/list.ts')
  const { manifest } = await chooseBackup(context.files(), { backup, from })
  const { id, auditHead } = manifest
  if (auditHead !== null) return { manifest, head: auditHead }
  throw new LatchkeyError(
    'conflict',
    `the backup ${id} is from before the audit log had a chain, so there is nothing to compare`,
    'compare with a newer one: latchkey backup list',
  )
}

/** @throws conflict */
async function requireSame(db: Database, { manifest: { id, database } }: BackupHead): Promise<void> {
  const [own] = await db.select({ id: identity.id }).from(identity).limit(1)
  if (own === undefined || database === null || database.id === own.id) return
  throw new LatchkeyError(
    'conflict',
    `the backup ${id} is one of another database`,
    'list those of this one with: latchkey backup list',
  )
}

/** @param there the hash of the row with the number of the backup's last; undefined without one */
function compare(
  { manifest, head: { seq, hash } }: BackupHead,
  there: string | undefined,
  { pruned }: Told,
  moves: readonly Move[],
): AuditAgainst {
  const common = { backup: manifest.id, takenAt: manifest.createdAt, seq }
  if (there === hash || (pruned?.seq === seq && pruned.hash === hash)) {
    return { ...common, state: 'present', restore: null }
  }
  if (pruned && seq < pruned.seq) return { ...common, state: 'pruned', restore: null }
  const restore = restoreSince(moves, manifest, seq)
  return { ...common, state: restore === null ? 'missing' : 'restored', restore }
}

/** A row about the database as a whole. */
interface Move extends Pick<Row, 'seq' | 'id' | 'at' | 'actor' | 'action'> {
  readonly told: Readonly<Record<string, unknown>>
}

async function movesIn(db: Database): Promise<readonly Move[]> {
  const { seq, id, at, actor, action, after } = audit
  const rows = await db
    .select({ seq, id, at, actor, action, after })
    .from(audit)
    .where(inArray(action, ['database.restore', 'database.safety', 'database.migrate']))
    .orderBy(asc(seq))
  return rows.map(({ after, ...row }) => {
    const told: unknown = after === null ? null : JSON.parse(after)
    return { ...row, told: isRecord(told) ? told : {} }
  })
}

/** The row of the restore that put an older log in the place of the one that the backup has, or of a later one that tells of it. */
function restoreSince(
  moves: readonly Move[],
  { id: backup, createdAt }: Manifest,
  seq: number,
): AuditAgainst['restore'] {
  const row = moves.find(({ at, action, told }) => {
    if (action === 'database.migrate') return false
    const had = replacedBy(at, told).some(log => log.seq >= seq && log.at >= createdAt.getTime())
    return had || told['safetyBackup'] === backup
  })
  return row ? { seq: row.seq, id: row.id, at: new Date(row.at), actor: row.actor } : null
}

/** When a step last dropped the chain or made it; later backups alone can be compared. */
function rechainedAt(moves: readonly Move[]): number {
  const made = moves.findLast(
    ({ action, told }) =>
      action === 'database.migrate' &&
      Array.isArray(told['steps']) &&
      told['steps'].some(step => String(step).endsWith('audit_chain')),
  )
  return made?.at ?? Number.NEGATIVE_INFINITY
}
