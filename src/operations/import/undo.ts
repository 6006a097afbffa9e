/**
 * Undoes an import: removes what it created, restores what it changed, and subtracts the usage it counted, in one
 * transaction. Things that were changed or used since make it fail, or are kept on request.
 */

import * as v from 'valibot'
import { LatchkeyError } from '../../contract/errors.ts'
import { type ImportedNoun, importedNouns, nouns } from '../../contract/nouns.ts'
import type { ImportUndo, ImportUndoItem } from '../../contract/views.ts'
import { inChunks } from '../../db/chunks.ts'
import type { BulkUsage, Database } from '../../db/engine.ts'
import { and, eq, inArray } from '../../db/query.ts'
import { importedUsers, imports } from '../../db/schema/imports.ts'
import { many } from '../../text/quantity.ts'
import { lineOf } from '../../text/shell-word.ts'
import { type Event, record, recordAll } from '../audit.ts'
import type { OperationContext } from '../context.ts'
import { keepNames } from '../departed.ts'
import { tableOf, uniqueFields } from '../nouns.ts'
import { ownerless, requireOwnersKept } from '../organizations/owners.ts'
import { tiesOf } from '../people/held.ts'
import { type RowProgress, rowProgress, unheard } from '../progress.ts'
import { parse } from '../rules/input.ts'
import { planChatUndo, removeChats, usersWithChats } from './chats.ts'
import { otherFiles, planFileUndo, removeImportedFiles } from './files.ts'
import { type UndoOptions, undoOptions } from './input.ts'
import { findImport, type ImportRow, summaryOf } from './list.ts'
import { auditViews, changeLimits, rememberAgain, updateRow } from './nouns.ts'
import { planUndo, type Staying, type UndoStep } from './plan-undo.ts'
import { isNothing, keyState, read, reversed } from './state.ts'
import { planRowUndo, stayingRows, undoRows } from './undo-rows.ts'
import { forgetUsage, lastUseIn, moveUsage, moving } from './usage.ts'

/**
 * @param selector an id, or the beginning of one
 * @throws not_found, ambiguous, conflict (already undone, too old to undo, or something was changed or used since)
 */
export function undoImport(
  context: OperationContext,
  selector: string,
  options: UndoOptions = {},
): Promise<ImportUndo> {
  const { keepChanged } = parse(undoOptions, options)
  return context.store.write(async db => {
    const row = await findImport(db, selector)
    if (row.undoneAt !== null) throw undoneAlready(row, row.undoneAt)
    const checking = (rows: number) => rowProgress(context, 'checking', rows)
    const chats = await planChatUndo(db, row.id)
    const files = await planFileUndo(db, row.id)
    const content = new Map<string, string>()
    for (const { id } of await usersWithChats(db, chats)) content.set(id, 'a chat')
    for (const [id, path] of await otherFiles(db, files)) content.set(id, `the file ${path}`)
    const { rows, steps } = await planBoth(db, row.id, context.now(), content, checking)
    const all = steps.length + chats.length + files.length + rows.length
    const { created, updated } = summaryOf(row)
    if (all === 0 && created + updated > 0) throw tooOld(row)
    const others = [...[...chats, ...files, ...rows].map(({ item }) => item), ...endedIn(row)]
    const items = [...steps.filter(isTold).map(itemOf), ...others]
    const kept = items.filter(({ outcome }) => outcome === 'kept')
    if (kept.length > 0 && !keepChanged) throw changedSince(row, kept, all)
    await removeChats(context, db, chats)
    await removeImportedFiles(context, db, row.id, files)
    const without = await ownerless(db, context.now())
    // Before the accounts and memberships that came with them go.
    const leaving = steps.flatMap(({ type, action, id }) =>
      type === 'user' && action === 'remove' ? [id] : [],
    )
    const ties = await tiesOf(db, 'user', leaving)
    await undoRows(context, db, row.id, rows)
    const shown = steps.filter(({ action }) => action === 'remove' || action === 'revert')
    const views = await viewsOf(context, db, shown, await checking(shown.length))
    const before = new Map([...views].map(([id, view]) => [id, { ...view, ...ties.get(id) }]))
    const moves = new Map(
      reverts(steps).flatMap(({ id, before: { moved } }) => (moved ? [[id, reversed(moved)] as const] : [])),
    )
    await moving(db, moves, bulk => applySteps(context, db, bulk, row, steps))
    requireOwnersKept(without, await ownerless(db, context.now()))
    await db.update(imports).set({ undoneAt: context.now().getTime() }).where(eq(imports.id, row.id))
    const undo = undoOf(row, items)
    await recordUndo(context, db, steps, before, undo)
    return undo
  })
}

/** Sessions that the import ended: nobody is signed in again by an undo. */
const endedIn = ({ report, id }: ImportRow): readonly ImportUndoItem[] =>
  read(reportedItems, report, id)
    .items.filter(({ type, outcome }) => type === 'session' && outcome === 'revoked')
    .map(({ name }) => ({
      type: 'session',
      name,
      outcome: 'gone',
      reason: 'ended by the import, and not brought back',
    }))

const reportedItem = v.object({ type: v.optional(v.string()), name: v.string(), outcome: v.string() })
const reportedItems = v.object({ items: v.optional(v.array(reportedItem), []) })

/** Rows of users who stay are kept, and users to whom a row stays. */
async function planBoth(
  db: Database,
  importId: string,
  now: Date,
  content: Staying,
  checking: (rows: number) => Promise<RowProgress>,
) {
  for (let kept = new Set<string>(); ; ) {
    const rows = await planRowUndo(db, importId, kept)
    const staying = new Map([...(await stayingRows(db, rows)), ...content])
    const steps = await planUndo(db, importId, now, staying, kept.size === 0 ? checking : async () => unheard)
    const users = steps.filter(({ type, action }) => type === 'user' && action === 'keep').map(({ id }) => id)
    if (users.every(id => kept.has(id)) || rows.length === 0) return { rows, steps }
    kept = new Set([...kept, ...users])
  }
}

type Revert = Extract<UndoStep, { action: 'revert' }>

const reverts = (steps: readonly UndoStep[]): readonly Revert[] =>
  steps.filter(step => step.action === 'revert')

/** Whether people would see a difference. An import also stores the source state of things it did not change. */
const isTold = (step: UndoStep): boolean =>
  step.action !== 'revert' ||
  step.fields.length > 0 ||
  step.limits.length > 0 ||
  (step.before.moved !== null &&
    !(step.before.moved.windows.length === 0 && isNothing(step.before.moved.total))) ||
  step.before.snapshot['lastUsedAt'] !== step.after['lastUsedAt']

function undoOf(row: ImportRow, items: readonly ImportUndoItem[]): ImportUndo {
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
  const field = nouns[step.type].label
  return step.fields.includes(field) ? String(step.before.snapshot[field]) : step.name
}

async function applySteps(
  context: OperationContext,
  db: Database,
  bulk: BulkUsage,
  row: ImportRow,
  steps: readonly UndoStep[],
): Promise<void> {
  const doing = steps.filter(({ action }) => action !== 'keep' && action !== 'gone')
  const tell = await rowProgress(context, 'undoing', doing.length)
  const inParts = async (
    noun: ImportedNoun,
    action: UndoStep['action'],
    work: (ids: string[]) => PromiseLike<unknown>,
  ) => {
    const mine = steps.filter(step => step.type === noun && step.action === action)
    for (const some of inChunks(mine)) {
      await work(some.map(({ id }) => id))
      await tell(some.length)
    }
  }
  const remove = (noun: ImportedNoun) =>
    inParts(noun, 'remove', async ids => {
      const among = inArray(tableOf(noun).id, ids)
      if (noun === 'key') await forgetUsage(db, ids)
      else await keepNames(db, noun, among)
      await db.delete(tableOf(noun)).where(among)
    })
  const revertAll = async (some: readonly Revert[]) => {
    for (const step of some) {
      await revert(context, db, bulk, row.source, step)
      await tell(1)
    }
  }
  const back = reverts(steps)
  for (const step of back) await setAside(db, step)
  await remove('key')
  await remove('project')
  // Things must return to their earlier owner before the later owner is removed.
  await revertAll(back.filter(step => step.type !== 'user'))
  await remove('user')
  await revertAll(back.filter(step => step.type === 'user'))
  await inParts('user', 'unlink', ids =>
    db
      .delete(importedUsers)
      .where(and(eq(importedUsers.importId, row.id), inArray(importedUsers.userId, ids))),
  )
}

/** Frees a unique name for now, because two things may have to swap names. */
async function setAside(db: Database, { type, id, fields }: Revert): Promise<void> {
  const placeholder = `undoing-${id.replace('_', '-')}`
  const unique = uniqueFields(type).filter(field => fields.includes(field))
  await updateRow(
    db,
    type,
    id,
    Object.fromEntries(unique.map(field => [field, field === 'email' ? null : placeholder])),
  )
}

async function revert(
  context: OperationContext,
  db: Database,
  bulk: BulkUsage,
  source: string,
  { type, id, before, after, current, ...step }: Revert,
): Promise<void> {
  const { snapshot, imported, moved } = before
  // Keep the time of a later change.
  const times = current['updatedAt'] === after['updatedAt'] ? ['updatedAt'] : []
  const fields = [...step.fields, ...times].filter(field => field in snapshot)
  const isLaterChange = !fields.includes('updatedAt') && (step.fields.length > 0 || step.limits.length > 0)
  await updateRow(db, type, id, {
    // Older snapshots have none of what is false.
    ...(step.fields.includes('emailVerified') ? { emailVerified: snapshot['emailVerified'] === true } : {}),
    ...Object.fromEntries(fields.map(field => [field, snapshot[field]])),
    ...(isLaterChange ? { updatedAt: context.now().getTime() } : {}),
  })
  await changeLimits(db, id, step.limits, context.now())
  if (moved) await moveUsage(db, bulk, id, reversed(moved), lastUseIn(read(keyState, imported.state, id)))
  await rememberAgain(db, type, source, id, imported)
}

type Views = ReadonlyMap<string, object>

async function viewsOf(
  context: OperationContext,
  db: Database,
  steps: readonly UndoStep[],
  tell: RowProgress,
): Promise<Views> {
  const found = new Map<string, object>()
  for (const noun of importedNouns) {
    const ids = steps.filter(step => step.type === noun).map(step => step.id)
    for (const [id, view] of await auditViews(db, context.now(), noun, ids, tell)) found.set(id, view)
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
  const events = told.map(
    ({ type, id, name }): Event => ({
      action: `${type}.undo-import`,
      target: { type, id, name },
      before: before.get(id),
      after: after.get(id),
    }),
  )
  await recordAll(context, db, events, tell)
  const { removed, reverted, kept, gone } = undo
  await record(context, db, {
    action: 'import.undo',
    target: { type: 'import', id: undo.id, name: null },
    after: { removed, reverted, kept, gone },
  })
}

const mostListed = 10

function changedSince(row: ImportRow, kept: readonly ImportUndoItem[], all: number): LatchkeyError {
  const list = kept.slice(0, mostListed).map(({ type, name, reason }) => `${type} ${name} (${reason})`)
  const more = kept.length > mostListed ? `, and ${kept.length - mostListed} more` : ''
  return new LatchkeyError(
    'conflict',
    `${row.id} made or changed ${many(all, 'thing')}, of which ${kept.length} cannot be undone: ${list.join(', ')}${more}; nothing was changed`,
    `to keep those and undo the rest: ${lineOf('import undo', row.id)} --keep-changed`,
  )
}

const undoneAlready = (row: ImportRow, at: number): LatchkeyError =>
  new LatchkeyError(
    'conflict',
    `${row.id} was already undone at ${new Date(at).toISOString()}`,
    'see all imports with: latchkey import list',
  )

const tooOld = (row: ImportRow): LatchkeyError =>
  new LatchkeyError(
    'conflict',
    `${row.id} was made by a version that could not undo imports`,
    'restore a backup from before it: latchkey backup list, then: latchkey restore BACKUP',
  )
