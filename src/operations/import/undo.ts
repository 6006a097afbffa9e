/**
 * Takes an import back: what it made is removed, what it changed is as it was before, what it counted is subtracted.
 * One transaction; whatever was changed or used here since stops it, or stays.
 */

import { LatchkeyError } from '../../contract/errors.ts'
import { type ImportedNoun, importedNouns, nouns } from '../../contract/nouns.ts'
import type { ImportUndo, ImportUndoItem } from '../../contract/views.ts'
import { inChunks } from '../../db/chunks.ts'
import type { Database } from '../../db/engine.ts'
import { and, eq, inArray } from '../../db/query.ts'
import { importedKeys, importedProjects, importedUsers, imports } from '../../db/schema/imports.ts'
import { limits } from '../../db/schema/limits.ts'
import { type Event, record, recordAll } from '../audit.ts'
import type { OperationContext } from '../context.ts'
import { limitRows } from '../limits/rows.ts'
import { tableOf, uniqueFields } from '../nouns.ts'
import { type RowProgress, rowProgress } from '../progress.ts'
import { moveUsage } from './apply.ts'
import { auditViews } from './audit-views.ts'
import { usageGaps } from './gaps.ts'
import type { UndoOptions } from './input.ts'
import { findImport, type ImportRow, summaryOf } from './list.ts'
import { limitAmount, planUndo, type UndoStep } from './plan-undo.ts'
import { noCounts, subtract } from './state.ts'

/**
 * @param selector id of the import, or the beginning of one
 * @throws not_found, ambiguous; conflict when it was undone already, is too old to be undone, or when something that it
 *   made or changed was changed or used since
 */
export function undoImport(
  context: OperationContext,
  selector: string,
  options: UndoOptions = {},
): Promise<ImportUndo> {
  return context.store.write(async db => {
    const row = await findImport(db, selector)
    if (row.undoneAt !== null) throw undoneAlready(row, row.undoneAt)
    const checking = (rows: number) => rowProgress(context, 'checking', rows)
    const steps = await planUndo(db, row.id, context.now(), checking)
    const { created, updated } = summaryOf(row)
    if (steps.length === 0 && created + updated > 0) throw tooOld(row)
    const kept = steps.filter(step => step.action === 'keep')
    if (kept.length > 0 && options.keepChanged !== true) throw changedSince(row, kept, steps.length)
    const before = await viewsOf(context, db, steps, await checking(steps.filter(isShown).length))
    const touched = reverts(steps).flatMap(step => (step.type === 'key' ? [step.id] : []))
    const gaps = await usageGaps(db, touched)
    await applySteps(context, db, row, steps)
    await verify(db, row, steps, gaps)
    await db.update(imports).set({ undoneAt: context.now().getTime() }).where(eq(imports.id, row.id))
    const undo = undoOf(row, steps)
    await recordUndo(context, db, steps, before, undo)
    return undo
  })
}

type Revert = Extract<UndoStep, { action: 'revert' }>

const reverts = (steps: readonly UndoStep[]): readonly Revert[] =>
  steps.filter(step => step.action === 'revert')

const idsOf = (steps: readonly UndoStep[], type: ImportedNoun, action: UndoStep['action']): string[] =>
  steps.flatMap(step => (step.type === type && step.action === action ? [step.id] : []))

/** Whether an operator would see a difference: sources are remembered for things that did not change, too. */
const isTold = (step: UndoStep): boolean =>
  step.action !== 'revert' ||
  step.fields.length > 0 ||
  step.limits.length > 0 ||
  Object.values(step.before.moved?.total ?? {}).some(count => count !== 0) ||
  (step.before.moved?.windows.length ?? 0) > 0 ||
  step.before.snapshot['lastUsedAt'] !== step.after['lastUsedAt']

function undoOf(row: ImportRow, steps: readonly UndoStep[]): ImportUndo {
  const items = steps.filter(isTold).map(itemOf)
  const number = (outcome: ImportUndoItem['outcome']): number =>
    items.filter(item => item.outcome === outcome).length
  return {
    id: row.id,
    source: row.source,
    removed: number('removed'),
    reverted: number('reverted'),
    kept: number('kept'),
    gone: number('gone'),
    items,
  }
}

function itemOf(step: UndoStep): ImportUndoItem {
  const { type, name } = step
  switch (step.action) {
    case 'remove':
      return { type, name, outcome: 'removed', reason: null }
    case 'revert':
      return { type, name: nameBefore(step), outcome: 'reverted', reason: null }
    case 'unlink':
      return { type, name, outcome: 'reverted', reason: 'no longer linked to the source' }
    case 'keep':
      return { type, name, outcome: 'kept', reason: step.reason }
    case 'gone':
      return { type, name, outcome: 'gone', reason: 'deleted here since' }
  }
}

function nameBefore(step: Revert): string {
  const { label } = nouns[step.type]
  return step.fields.includes(label) ? String(step.before.snapshot[label]) : step.name
}

async function applySteps(
  context: OperationContext,
  db: Database,
  row: ImportRow,
  steps: readonly UndoStep[],
): Promise<void> {
  const tell = await rowProgress(
    context,
    'undoing',
    steps.filter(({ action }) => action !== 'keep' && action !== 'gone').length,
  )
  const remove = async (type: ImportedNoun): Promise<void> => {
    for (const some of inChunks(idsOf(steps, type, 'remove'))) {
      await db.delete(tableOf(type)).where(inArray(tableOf(type).id, some))
      await tell(some.length)
    }
  }
  for (const step of reverts(steps)) await setAside(db, step)
  await remove('key')
  await remove('project')
  const [restOfUsers, others] = [
    reverts(steps).filter(step => step.type === 'user'),
    reverts(steps).filter(step => step.type !== 'user'),
  ]
  // What goes back to an earlier owner must do so before the later one is removed.
  for (const step of others) {
    await revert(context, db, row, step)
    await tell(1)
  }
  await remove('user')
  for (const step of restOfUsers) {
    await revert(context, db, row, step)
    await tell(1)
  }
  for (const some of inChunks(idsOf(steps, 'user', 'unlink'))) {
    await db
      .delete(importedUsers)
      .where(and(eq(importedUsers.importId, row.id), inArray(importedUsers.userId, some)))
    await tell(some.length)
  }
}

/** Gives up a unique name for the moment: two things may have to get each other's back. */
async function setAside(db: Database, step: Revert): Promise<void> {
  const fields = uniqueFields(step.type).filter(field => step.fields.includes(field))
  if (fields.length === 0) return
  const placeholder = `undoing-${step.id.replace('_', '-')}`
  const set = Object.fromEntries(fields.map(field => [field, field === 'email' ? null : placeholder]))
  await updateRow(db, step.type, step.id, set)
}

async function updateRow(
  db: Database,
  type: ImportedNoun,
  id: string,
  set: Readonly<Record<string, unknown>>,
): Promise<void> {
  if (Object.keys(set).length === 0) return
  const table = tableOf(type)
  await db.update(table).set(set).where(eq(table.id, id))
}

async function revert(context: OperationContext, db: Database, row: ImportRow, step: Revert): Promise<void> {
  const { before, after, current } = step
  const fields = [
    ...step.fields,
    // A later use, or change, is not forgotten.
    ...['lastUsedAt', 'updatedAt'].filter(field => current[field] === after[field]),
  ]
  const set = Object.fromEntries(
    fields.filter(field => field in before.snapshot).map(field => [field, before.snapshot[field]]),
  )
  const isChange = step.fields.length > 0 || step.limits.length > 0
  const touched = isChange && !('updatedAt' in set) ? { updatedAt: context.now().getTime() } : {}
  await updateRow(db, step.type, step.id, { ...set, ...touched })
  for (const name of step.limits) await setLimit(context, db, step, name)
  const { moved, imported } = before
  if (moved) {
    await moveUsage(db, step.id, {
      windows: moved.windows.map(({ start, model, ...counts }) => ({
        start,
        model,
        ...subtract(noCounts, counts),
      })),
      total: subtract(noCounts, moved.total),
      split: { inputTokens: -moved.split.inputTokens, outputTokens: -moved.split.outputTokens },
    })
  }
  const { source } = row
  if (step.type === 'user') {
    const mine = and(eq(importedUsers.source, source), eq(importedUsers.userId, step.id))
    await db.update(importedUsers).set(imported).where(mine)
  } else if (step.type === 'project') {
    const mine = and(eq(importedProjects.source, source), eq(importedProjects.projectId, step.id))
    await db.update(importedProjects).set(imported).where(mine)
  } else {
    const mine = and(
      eq(importedKeys.source, source),
      eq(importedKeys.importId, row.id),
      eq(importedKeys.keyId, step.id),
    )
    await db.update(importedKeys).set(imported).where(mine)
  }
}

/** Back to the amount before, or away when there was none. */
async function setLimit(context: OperationContext, db: Database, step: Revert, name: string): Promise<void> {
  const [metric, windowMs] = splitLimit(name)
  const amount = limitAmount(step.before.snapshot, name)
  if (amount === null) {
    await db
      .delete(limits)
      .where(and(eq(limits.keyId, step.id), eq(limits.metric, metric), eq(limits.windowMs, windowMs)))
    return
  }
  await db
    .insert(limits)
    .values(limitRows(step.id, [{ metric, amount, windowMs }], context.now()))
    .onConflictDoUpdate({ target: [limits.keyId, limits.metric, limits.windowMs], set: { amount } })
}

/** Imports know limits on tokens alone. */
const splitLimit = (name: string): readonly ['tokens', number] => ['tokens', Number(name.split('/')[1])]

/** Counts again what was done; a difference is a mistake of this program, and leaves the import as it was. */
async function verify(
  db: Database,
  row: ImportRow,
  steps: readonly UndoStep[],
  gaps: ReadonlyMap<string, string>,
): Promise<void> {
  for (const type of importedNouns) {
    for (const removed of inChunks(idsOf(steps, type, 'remove'))) {
      const left = await db.$count(tableOf(type), inArray(tableOf(type).id, removed))
      if (left > 0) throw new Error(`${left} ${type}s of ${row.id} were removed, but are still there`)
    }
  }
  for (const [id, gap] of await usageGaps(db, [...gaps.keys()])) {
    if (gap === gaps.get(id)) continue
    throw new Error(`the usage of ${id} would no longer add up after undoing the import`)
  }
}

type Views = ReadonlyMap<string, object>

/** Whether the audit trail shows what there was. */
const isShown = ({ action }: UndoStep): boolean => action === 'remove' || action === 'revert'

async function viewsOf(
  context: OperationContext,
  db: Database,
  steps: readonly UndoStep[],
  tell: RowProgress,
): Promise<Views> {
  const found = new Map<string, object>()
  for (const type of importedNouns) {
    const ids = steps.filter(step => step.type === type && isShown(step)).map(step => step.id)
    for (const [id, view] of await auditViews(db, context.now(), type, ids, tell)) found.set(id, view)
  }
  return found
}

async function recordUndo(
  context: OperationContext,
  db: Database,
  steps: readonly UndoStep[],
  before: Views,
  undo: ImportUndo,
): Promise<void> {
  const told = steps.filter(step => before.has(step.id) && isTold(step))
  const tell = await rowProgress(context, 'recording', reverts(steps).length + told.length)
  const after = await viewsOf(context, db, reverts(steps), tell)
  const events = told.map(({ type, id, name }): Event => {
    return {
      action: `${type}.undo-import`,
      target: { type, id, name },
      before: before.get(id),
      after: after.get(id),
    }
  })
  for (const part of inChunks(events)) {
    await recordAll(context, db, part)
    await tell(part.length)
  }
  const { removed, reverted, kept, gone } = undo
  await record(context, db, {
    action: 'import.undo',
    target: { type: 'import', id: undo.id, name: null },
    after: { removed, reverted, kept, gone },
  })
}

const mostListed = 10

function changedSince(
  row: ImportRow,
  kept: readonly Extract<UndoStep, { action: 'keep' }>[],
  all: number,
): LatchkeyError {
  const list = kept.slice(0, mostListed).map(({ type, name, reason }) => `${type} ${name} (${reason})`)
  const more = kept.length > mostListed ? `, and ${kept.length - mostListed} more` : ''
  return new LatchkeyError(
    'conflict',
    `${kept.length} of the ${all} things that ${row.id} made or changed cannot be taken back: ${list.join(', ')}${more}; nothing was changed`,
    `to leave those as they are and take back the rest: latchkey import undo ${row.id} --keep-changed`,
  )
}

const undoneAlready = (row: ImportRow, at: number): LatchkeyError =>
  new LatchkeyError(
    'conflict',
    `${row.id} was undone already, at ${new Date(at).toISOString()}`,
    'see all imports with: latchkey import list',
  )

const tooOld = (row: ImportRow): LatchkeyError =>
  new LatchkeyError(
    'conflict',
    `${row.id} is from before imports kept what it takes to undo them`,
    'go back to a backup from before it: latchkey backup list, then: latchkey restore BACKUP',
  )
