/**
 * Decides what becomes of each thing that an import made or changed when that import is undone. What was changed or
 * used here since is never taken away unseen. Reads the database, changes nothing.
 */

import * as v from 'valibot'
import { type ImportedNoun, importedNouns } from '../../contract/nouns.ts'
import type { Database } from '../../db/engine.ts'
import { and, eq, gt, isNull } from '../../db/query.ts'
import { importChanges, imports } from '../../db/schema/imports.ts'
import { keys } from '../../db/schema/keys.ts'
import { reservations } from '../../db/schema/limits.ts'
import { projects, users } from '../../db/schema/people.ts'
import { tableOf, uniqueFields } from '../nouns.ts'
import type { RowProgress } from '../progress.ts'
import { fold } from './names.ts'
import { differences, hangingFields, nameOf, type Snapshot, snapshots, usageFields } from './snapshot.ts'
import { read } from './state.ts'

const counts = { tokens: v.number(), requests: v.number(), costMicros: v.number() }
const snapshotSchema = v.record(v.string(), v.unknown())
const beforeSchema = v.object({
  snapshot: snapshotSchema,
  imported: v.object({ importId: v.string(), state: v.unknown() }),
  moved: v.nullable(
    v.object({
      windows: v.array(v.object({ start: v.number(), model: v.string(), ...counts })),
      total: v.object(counts),
      split: v.object({ inputTokens: v.number(), outputTokens: v.number() }),
    }),
  ),
})

/** What an import kept of something that it changed. */
type Before = v.InferOutput<typeof beforeSchema>

export type UndoStep = {
  readonly type: ImportedNoun
  readonly id: string
  readonly name: string
} & (
  | { readonly action: 'remove' | 'unlink' | 'gone' }
  | { readonly action: 'keep'; readonly reason: string }
  | {
      readonly action: 'revert'
      readonly before: Before
      readonly after: Snapshot
      readonly current: Snapshot
      /** Fields of the row that go back, and limits by `metric/windowMs`. */
      readonly fields: readonly string[]
      readonly limits: readonly string[]
    }
)

type Change = typeof importChanges.$inferSelect

/**
 * One step for each thing; those that are kept say why.
 *
 * @param begin gets the number of things, and gives what hears of those that were looked at
 */
export async function planUndo(
  db: Database,
  importId: string,
  now: Date,
  begin: (rows: number) => Promise<RowProgress>,
): Promise<readonly UndoStep[]> {
  const changes = await db.select().from(importChanges).where(eq(importChanges.importId, importId))
  const tell = await begin(changes.length)
  const later = await laterImports(db, importId)
  const steps: UndoStep[] = []
  for (const type of importedNouns) {
    const mine = changes.filter(change => change.type === type)
    const ids = mine.map(change => change.targetId)
    const current = await snapshots(db, type, ids, tell)
    const inUse = type === 'key' ? await keysInUse(db, ids, now) : new Set<string>()
    for (const change of mine) {
      steps.push(stepFor(change, current.get(change.targetId), later.get(change.targetId), inUse))
    }
  }
  return keepTogether(db, await keepNames(db, steps))
}

/** By what they touched: imports after this one that still stand. */
async function laterImports(db: Database, importId: string): Promise<ReadonlyMap<string, string>> {
  const rows = await db
    .select({ id: importChanges.targetId, importId: importChanges.importId })
    .from(importChanges)
    .innerJoin(imports, eq(imports.id, importChanges.importId))
    .where(and(gt(importChanges.importId, importId), isNull(imports.undoneAt)))
  return new Map(rows.map(row => [row.id, row.importId]))
}

/** Keys with requests under way. */
async function keysInUse(db: Database, ids: readonly string[], now: Date): Promise<ReadonlySet<string>> {
  const rows = await db
    .selectDistinct({ id: reservations.keyId })
    .from(reservations)
    .where(gt(reservations.expiresAt, now.getTime()))
  const wanted = new Set(ids)
  return new Set(rows.map(row => row.id).filter(id => wanted.has(id)))
}

function stepFor(
  change: Change,
  current: Snapshot | undefined,
  later: string | undefined,
  inUse: ReadonlySet<string>,
): UndoStep {
  const { type, targetId: id } = change
  const after = change.after === null ? undefined : read(snapshotSchema, change.after, id)
  const known = current ?? after
  const step = { type, id, name: known ? nameOf(known) : id }
  if (!current) return { ...step, action: 'gone' }
  if (change.action === 'linked') return { ...step, action: 'unlink' }
  if (!after) throw new Error('a change without what it left')
  if (later !== undefined) {
    return { ...step, action: 'keep', reason: `imported again since, by ${later}: undo that first` }
  }
  if (change.action === 'created') {
    const reason = inUse.has(id) ? 'used here since' : changeSince(after, current)
    return reason === null ? { ...step, action: 'remove' } : { ...step, action: 'keep', reason }
  }
  const before = read(beforeSchema, change.before, id)
  const fields = differences(before.snapshot, after).filter(
    field => !usageFields.includes(field) && !hangingFields.includes(field),
  )
  const limits = changedLimits(before.snapshot, after)
  const changed = [
    ...fields.filter(field => !Bun.deepEquals(current[field] ?? null, after[field] ?? null)),
    ...(limits.some(name => limitAmount(current, name) !== limitAmount(after, name)) ? ['limits'] : []),
  ]
  if (changed.length > 0) return { ...step, action: 'keep', reason: changedHere(changed) }
  return { ...step, action: 'revert', before, after, current, fields, limits }
}

/** Why something that an import made may not be taken away, or null. */
function changeSince(after: Snapshot, current: Snapshot): string | null {
  const changed = differences(after, current)
  if (changed.length === 0) return null
  const settings = changed.filter(field => !usageFields.includes(field))
  return settings.length === 0 ? 'used here since' : changedHere(settings)
}

const changedHere = (fields: readonly string[]): string =>
  `changed here since: ${fields.map(field => words[field] ?? field).join(', ')}`

const words: Readonly<Record<string, string>> = {
  passwordHash: 'password',
  secrets: 'secret',
  expiresAt: 'expiry',
  disabledAt: 'disabled',
  revokedAt: 'revoked',
  revokedReason: 'reason of revoking',
  archivedAt: 'archived',
  createdAt: 'creation',
  userId: 'owner',
  ownerId: 'owner',
  projectId: 'project',
  allowedModels: 'allowed models',
  keyPrefix: 'key prefix',
}

/** The amount of a limit, null when there is none. */
export function limitAmount(snapshot: Snapshot, name: string): number | null {
  const all = (snapshot['limits'] ?? {}) as Readonly<Record<string, readonly [number, number | null]>>
  return all[name]?.[0] ?? null
}

function changedLimits(before: Snapshot, after: Snapshot): readonly string[] {
  const names = new Set([before, after].flatMap(each => Object.keys((each['limits'] ?? {}) as object)))
  return [...names].filter(name => limitAmount(before, name) !== limitAmount(after, name))
}

/** What would get back a name that somebody else has by now stays as it is. */
async function keepNames(db: Database, steps: readonly UndoStep[]): Promise<readonly UndoStep[]> {
  let result = steps
  for (const type of importedNouns) {
    for (const field of uniqueFields(type)) result = await keepName(db, result, type, field)
  }
  return result
}

async function keepName(
  db: Database,
  steps: readonly UndoStep[],
  type: ImportedNoun,
  field: string,
): Promise<readonly UndoStep[]> {
  const isRenamed = (step: UndoStep): boolean =>
    step.type === type && step.action === 'revert' && step.fields.includes(field)
  if (!steps.some(isRenamed)) return steps
  const rows: readonly Snapshot[] = await db.select().from(tableOf(type))
  let result = steps
  // One that stays may have the name that another wants back: again until nothing moves.
  for (;;) {
    const byId = new Map(result.filter(step => step.type === type).map(step => [step.id, step]))
    const taken = new Map<string, string[]>()
    for (const row of rows) {
      const id = String(row['id'])
      const step = byId.get(id)
      if (step?.action === 'remove') continue
      const name = step?.action === 'revert' ? step.before.snapshot[field] : row[field]
      const final = step?.action === 'revert' && !step.fields.includes(field) ? row[field] : name
      if (typeof final === 'string') taken.set(fold(final), [...(taken.get(fold(final)) ?? []), id])
    }
    const clashing = new Set([...taken.values()].filter(ids => ids.length > 1).flat())
    const next = result.map(step =>
      isRenamed(step) && clashing.has(step.id)
        ? keep(step, `its earlier ${field === 'name' ? 'name' : field} is taken now`)
        : step,
    )
    if (!next.some((step, index) => step !== result[index])) return result
    result = next
  }
}

const keep = ({ type, id, name }: UndoStep, reason: string): UndoStep => ({
  type,
  id,
  name,
  action: 'keep',
  reason,
})

/** Owners stay with what stays, and nothing goes back to an owner who is gone. */
async function keepTogether(db: Database, steps: readonly UndoStep[]): Promise<readonly UndoStep[]> {
  const owned = [
    ...(await db.select({ id: keys.id, name: keys.name, owner: keys.userId }).from(keys)).map(row => ({
      ...row,
      field: 'userId',
    })),
    ...(
      await db.select({ id: projects.id, name: projects.slug, owner: projects.ownerId }).from(projects)
    ).map(row => ({ ...row, field: 'ownerId' })),
    ...(await db.select({ id: keys.id, name: keys.name, owner: keys.projectId }).from(keys)).map(row => ({
      ...row,
      field: 'projectId',
    })),
  ].filter(row => row.owner !== null)
  const present = new Set((await db.select({ id: users.id }).from(users)).map(row => row.id))
  let result = steps
  for (;;) {
    const byId = new Map(result.map(step => [step.id, step]))
    const removed = new Set(result.filter(step => step.action === 'remove').map(step => step.id))
    /** What belongs to each owner once all is done. */
    const belongings = new Map<unknown, string>()
    for (const { id, name, owner, field } of owned) {
      const step = byId.get(id)
      if (removed.has(id)) continue
      const isReverted = step?.action === 'revert' && step.fields.includes(field)
      belongings.set(isReverted ? step.before.snapshot[field] : owner, name)
    }
    const next = result.map(step => {
      const belonging = belongings.get(step.id)
      if (step.action === 'remove' && belonging !== undefined) return keep(step, `${belonging} belongs to it`)
      if (step.action !== 'revert') return step
      const field = ['userId', 'ownerId'].find(name => step.fields.includes(name))
      const owner = field === undefined ? null : step.before.snapshot[field]
      return typeof owner !== 'string' || present.has(owner) ? step : keep(step, 'its earlier owner is gone')
    })
    if (!next.some((step, index) => step !== result[index])) return result
    result = next
  }
}
