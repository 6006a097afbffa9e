/** What comes from other systems. */

import { importedNouns } from '../nouns.ts'
import { choice, integer, list, nullable, type Of, object, text, time } from '../shape.ts'

export const importItem = object('ImportItem', {
  type: choice(importedNouns, 'What it is'),
  name: text('Name of the key, username of the user, slug of the project'),
  outcome: choice(
    ['created', 'updated', 'unchanged', 'refused', 'gone', 'revoked'],
    'What was done; gone: a key that is no longer in the source and still works here; revoked: one that was ended for it',
  ),
  reason: nullable(text('Why, where it needs saying')),
})

export const leftBehind = object('LeftBehind', {
  name: text('Name of the table'),
  rows: integer('How many rows it has'),
})

export const importReport = object('ImportReport', {
  id: text('imp_ and a time-sorted id'),
  source: text('Where the data came from'),
  created: integer('Users, projects and keys created'),
  updated: integer('Those updated'),
  unchanged: integer('Those that were already as in the source, or linked to a user who was here'),
  refused: integer('Those that were left out'),
  gone: integer('Keys from this source that are no longer in it and still work here'),
  revoked: integer('Those that were revoked because they are no longer in the source'),
  items: list(importItem, 'One row per user, project and key'),
  ignoredFields: list(text('A field'), 'Fields of the source that have no home here'),
  leftBehind: list(leftBehind, 'Tables of the source that have no home here'),
  notes: list(text('A sentence'), 'What is to be known of the source as a whole'),
})

export const importSummary = object('ImportSummary', {
  id: text('imp_ and a time-sorted id'),
  source: text('Where the data came from'),
  at: time('When it was imported'),
  created: integer('Users, projects and keys created'),
  updated: integer('Those updated'),
  unchanged: integer('Those that were already as in the source'),
  refused: integer('Those that were left out'),
  undoneAt: nullable(time('When it was undone')),
})

export const importUndoItem = object('ImportUndoItem', {
  type: choice(importedNouns, 'What it is'),
  name: text('Name of the key, username of the user, slug of the project'),
  outcome: choice(
    ['removed', 'reverted', 'kept', 'gone'],
    'removed: the import had made it; reverted: as it was before; kept: changed or used since; gone: deleted since',
  ),
  reason: nullable(text('Why, where it needs saying')),
})

export const importUndo = object('ImportUndo', {
  id: text('The import that was undone'),
  source: text('Where its data came from'),
  removed: integer('Users, projects and keys removed'),
  reverted: integer('Those that are as they were before'),
  kept: integer('Those that were changed or used since, and stay'),
  gone: integer('Those that were deleted since'),
  items: list(importUndoItem, 'One row per user, project and key that the import made or changed'),
})

export type ImportItem = Of<typeof importItem>
export type ImportReport = Of<typeof importReport>
export type LeftBehind = Of<typeof leftBehind>
export type ImportSummary = Of<typeof importSummary>
export type ImportUndoItem = Of<typeof importUndoItem>
export type ImportUndo = Of<typeof importUndo>
