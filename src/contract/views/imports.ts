/** What comes from other systems. */

import { importedNouns, importedRows } from '../nouns.ts'
import { choice, integer, list, nullable, type Of, object, text, time } from '../shape.ts'

const imported = [...importedNouns, 'chat', 'file', ...importedRows] as const
const name = text(
  'Name of the key, username of the user, slug of the project, title of the chat, path of the file; of other rows that of what they belong to',
)

export const importItem = object('ImportItem', {
  type: choice(imported, 'What it is'),
  name,
  outcome: choice(
    ['created', 'updated', 'unchanged', 'refused', 'gone', 'revoked'],
    'What was done; gone: no longer in the source and still here; revoked: such a key or session, which no longer works',
  ),
  reason: nullable(text('Reason, if there is one to give')),
})

export const leftBehind = object('LeftBehind', {
  name: text('Name of the table'),
  rows: integer('How many rows it has'),
})

export const importReport = object('ImportReport', {
  id: nullable(
    text('imp_ and a time-sorted id; null if nothing was written, so that there is nothing to undo'),
  ),
  source: text('Where the data came from'),
  created: integer('How many things were created'),
  updated: integer('How many were updated'),
  unchanged: integer('Those already the same as in the source, or linked to an existing user'),
  refused: integer('Those not imported'),
  gone: integer('Keys and other things from this source that are no longer in it and still here'),
  revoked: integer('Keys and sessions ended because they are no longer in the source'),
  items: list(importItem, 'One row per thing of the source'),
  ignoredFields: list(text('A field'), 'Fields of the source that are not imported'),
  leftBehind: list(leftBehind, 'Tables of the source that are not imported'),
  notes: list(text('A sentence'), 'Notes about the source as a whole'),
})

export const importSummary = object('ImportSummary', {
  id: text('imp_ and a time-sorted id'),
  source: text('Where the data came from'),
  at: time('When it was imported'),
  created: integer('How many things were created'),
  updated: integer('How many were updated'),
  unchanged: integer('Those already the same as in the source'),
  refused: integer('Those not imported'),
  gone: integer('Keys and other things from this source that were no longer in it and stayed here'),
  revoked: integer('Keys and sessions ended because they were no longer in the source'),
  undoneAt: nullable(time('When it was undone')),
})

export const importUndoItem = object('ImportUndoItem', {
  type: choice(imported, 'What it is'),
  name,
  outcome: choice(
    ['removed', 'reverted', 'kept', 'gone'],
    'removed: the import had created it; reverted: changed back; kept: changed or used since; gone: deleted since, or a session that it ended',
  ),
  reason: nullable(text('Reason, if there is one to give')),
})

export const importUndo = object('ImportUndo', {
  id: text('The import that was undone'),
  source: text('Where its data came from'),
  removed: integer('How many things were removed'),
  reverted: integer('Those changed back'),
  kept: integer('Those kept because they were changed or used since'),
  gone: integer('Those that were deleted since, and sessions that it ended'),
  items: list(importUndoItem, 'One row per thing that the import made or changed'),
})

export type ImportItem = Of<typeof importItem>
export type ImportReport = Of<typeof importReport>
export type LeftBehind = Of<typeof leftBehind>
export type ImportSummary = Of<typeof importSummary>
export type ImportUndoItem = Of<typeof importUndoItem>
export type ImportUndo = Of<typeof importUndo>
