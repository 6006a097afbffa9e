/**
 * Plans what undoing an import does to each thing that it created or changed. Things that were changed or used since are
 * never undone silently. Changes nothing.
 */

import * as v from 'valibot'
import { type ImportedNoun, importedNouns } from '../../contract/nouns.ts'
import type { Database } from '../../db/engine.ts'
import { and, eq, gt, isNull } from '../../db/query.ts'
import { importChanges, imports } from '../../db/schema/imports.ts'
import { keys } from '../../db/schema/keys.ts'
import { reservations } from '../../db/schema/limits.ts'
import { projects, users } from '../../db/schema/people.ts'
import { series } from '../../db/schema/usage.ts'
import { uniqueFields } from '../nouns.ts'
import type { RowProgress } from '../progress.ts'
import { fold } from './names.ts'
import {
  attachedFields,
  type Fields,
  type Kept,
  kept,
  type LimitChange,
  limitsBetween,
  nameOf,
  type Snapshot,
  snapshots,
  usageFields,
} from './nouns.ts'
import { read } from './state.ts'

export type UndoStep = {
  readonly type: ImportedNoun
  readonly id: string
  readonly name: string
} & (
  | { readonly action: 'remove' | 'unlink' | 'gone' }
  | { readonly action: 'keep'; readonly reason: string }
  | {
      readonly action: 'revert'
      readonly before: Kept
      readonly after: Snapshot
      readonly current: Snapshot
      /** Fields of the row to restore. */
      readonly fields: readonly string[]
      readonly limits: readonly LimitChange[]
    }
)

/** What else stays, by the ids of the things that it belongs to. */
export type Staying = ReadonlyMap<string, string>

type Change = typeof importChanges.$inferSelect

/**
 * Returns one step for each thing; steps that keep a thing say why.
 *
 * @param staying what stays, besides users, projects and keys
 * @param begin gets the number of things, and returns a callback for the number checked so far
 */
export async function planUndo(
  db: Database,
  importId: string,
  now: Date,
  staying: Staying,
  begin: (rows: number) => Promise<RowProgress>,
): Promise<readonly UndoStep[]> {
  const changes = await db.select().from(importChanges).where(eq(importChanges.importId, importId))
  const tell = await begin(changes.length)
  const later = await laterImports(db, importId)
  const inUse = await keysInUse(db, now)
  const steps: UndoStep[] = []
  for (const noun of importedNouns) {
    const mine = changes.filter(change => change.type === noun)
    const ids = mine.map(change => change.targetId)
    const current = await snapshots(db, noun, ids, tell)
    for (const change of mine) {
      steps.push(stepFor(change, current.get(change.targetId), later.get(change.targetId), inUse))
    }
  }
  return keepWhatClashes(db, steps, staying)
}

/** Later imports that were not undone, by the things they touched. */
async function laterImports(db: Database, importId: string): Promise<ReadonlyMap<string, string>> {
  const rows = await db
    .select({ id: importChanges.targetId, importId: importChanges.importId })
    .from(importChanges)
    .innerJoin(imports, eq(imports.id, importChanges.importId))
    .where(and(gt(importChanges.importId, importId), isNull(imports.undoneAt)))
  return new Map(rows.map(row => [row.id, row.importId]))
}

/** Keys with running requests. */
async function keysInUse(db: Database, now: Date): Promise<ReadonlySet<string>> {
  const rows = await db
    .selectDistinct({ id: series.keyId })
    .from(reservations)
    .innerJoin(series, eq(series.id, reservations.series))
    .where(gt(reservations.expiresAt, now.getTime()))
  return new Set(rows.map(row => row.id))
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
  const step = { type, id, name: known ? nameOf(type, known) : id }
  if (!current) return { ...step, action: 'gone' }
  if (change.action === 'linked') return { ...step, action: 'unlink' }
  if (!after) throw new Error('a change without what it left')
  if (later !== undefined) return keep(step, `imported again since, by ${later}: undo that import first`)
  if (change.action === 'created') {
    const changed = differences(after, current)
    const settings = changed.filter(field => !usageFields.includes(field))
    if (inUse.has(id) || (changed.length > 0 && settings.length === 0)) return keep(step, 'used here since')
    return settings.length > 0 ? keep(step, changedHere(settings)) : { ...step, action: 'remove' }
  }
  const before = read(kept, change.before, id)
  const fields = differences(before.snapshot, after).filter(
    field => !usageFields.includes(field) && !attachedFields.includes(field),
  )
  const limits = type === 'key' ? limitsBetween(after, before.snapshot) : []
  const since = differences(after, current)
  const changed = [
    ...fields.filter(field => since.includes(field)),
    ...(limits.length > 0 && limitsBetween(after, current).length > 0 ? ['limits'] : []),
  ]
  return changed.length > 0
    ? keep(step, changedHere(changed))
    : { ...step, action: 'revert', before, after, current, fields, limits }
}

const snapshotSchema = v.record(v.string(), v.unknown())

const keep = ({ type, id, name }: Pick<UndoStep, 'type' | 'id' | 'name'>, reason: string): UndoStep => ({
  type,
  id,
  name,
  action: 'keep',
  reason,
})

/** Names of the fields in which two snapshots differ, except the time of change. */
const differences = (before: Snapshot, after: Snapshot): readonly string[] =>
  [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(
    field => field !== 'updatedAt' && !Bun.deepEquals(before[field] ?? null, after[field] ?? null),
  )

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
  emailVerified: 'verified',
  disabledReason: 'reason of disabling',
  disabledUntil: 'end of disabling',
}

/**
 * Keeps what cannot be undone: a thing whose old name is taken, an owner that something would still belong to, and a
 * thing whose old owner was deleted.
 */
async function keepWhatClashes(
  db: Database,
  planned: readonly UndoStep[],
  staying: Staying,
): Promise<readonly UndoStep[]> {
  const rows: Readonly<Record<ImportedNoun, readonly Row[]>> = {
    user: await db.select({ id: users.id, username: users.username, email: users.email }).from(users),
    project: await db
      .select({ id: projects.id, slug: projects.slug, ownerId: projects.ownerId })
      .from(projects),
    key: await db
      .select({ id: keys.id, name: keys.name, userId: keys.userId, projectId: keys.projectId })
      .from(keys),
  }
  const userIds = new Set<unknown>(rows.user.map(row => row.id))
  let steps = planned
  // A kept thing may have the old name of another, or an owner. Repeat until nothing changes.
  for (;;) {
    const { holders, belongings } = afterwards(rows, steps)
    for (const [id, what] of staying) belongings.set(id, what)
    const next = steps.map(step => {
      if (step.action === 'remove') {
        const belonging = belongings.get(step.id)
        return belonging === undefined ? step : keep(step, `${belonging} belongs to it`)
      }
      if (step.action !== 'revert') return step
      const back = (field: string) => step.before.snapshot[field]
      const taken = uniqueFields(step.type).find(
        field =>
          step.fields.includes(field) && (holders.get(nameKey(step.type, field, back(field))) ?? 0) > 1,
      )
      if (taken !== undefined) return keep(step, `its earlier ${taken} is taken now`)
      const isLost = ownerFields
        .filter(field => step.fields.includes(field))
        .some(field => typeof back(field) === 'string' && !userIds.has(back(field)))
      return isLost ? keep(step, 'its earlier owner no longer exists') : step
    })
    if (next.every((step, index) => step === steps[index])) return steps
    steps = next
  }
}

type Row = Fields & { readonly id: string }

const ownerFields = ['userId', 'ownerId']

const nameKey = (noun: ImportedNoun, field: string, name: unknown): string | undefined =>
  typeof name === 'string' ? `${noun} ${field} ${fold(name)}` : undefined

/** How many things have each name after the steps, and the name of one thing that belongs to each owner. */
function afterwards(rows: Readonly<Record<ImportedNoun, readonly Row[]>>, steps: readonly UndoStep[]) {
  const byId = new Map(steps.map(step => [step.id, step]))
  const holders = new Map<string | undefined, number>()
  const belongings = new Map<unknown, string>()
  for (const noun of importedNouns) {
    for (const row of rows[noun]) {
      const step = byId.get(row.id)
      if (step?.action === 'remove') continue
      const finalValue = (field: string): unknown =>
        step?.action === 'revert' && step.fields.includes(field) ? step.before.snapshot[field] : row[field]
      for (const field of uniqueFields(noun)) {
        const name = nameKey(noun, field, finalValue(field))
        if (name !== undefined) holders.set(name, (holders.get(name) ?? 0) + 1)
      }
      for (const field of [...ownerFields, 'projectId']) {
        const owner = finalValue(field)
        if (typeof owner === 'string') belongings.set(owner, nameOf(noun, row))
      }
    }
  }
  return { holders, belongings }
}
