/**
 * Files of projects. A file is a row that refers to its content; every change writes what became of it into the history,
 * and changes of one project wait for each other.
 */
import { LatchkeyError } from '../../contract/errors.ts'
import type { FileChange, FilesChange, MovedFile, ProjectFile, WrittenFile } from '../../contract/views.ts'
import { inChunks } from '../../db/chunks.ts'
import type { Database } from '../../db/engine.ts'
import { and, eq, gte, idsOf, lt, oneOf, or, type SQL, sql } from '../../db/query.ts'
import { fileHistory, projectFiles } from '../../db/schema/content.ts'
import { lineOf } from '../../text/shell-word.ts'
import { record } from '../audit.ts'
import type { OperationContext } from '../context.ts'
import { type Row, targetOf } from '../nouns.ts'
import { inOrder, listed, paged } from '../page.ts'
import { newId } from '../rules/ids.ts'
import * as rules from '../rules/input.ts'
import { find } from '../select.ts'
import { type Content, contentOf, storeContents, storedContent, unpacked } from './contents.ts'
import {
  type FileBody,
  type FileCondition,
  type FileOptions,
  type FilePage,
  fileCondition,
  fileFilter,
  fileOptions,
  type HistoryPage,
  historyFilter,
  type NewFile,
  newFile,
  type OpenFile,
} from './input.ts'
import { changeProject } from './project.ts'

export type FileRow = typeof projectFiles.$inferSelect
type Project = Row<'project'>

/** Writes a file, new or over what is there. @throws invalid, not_found, ambiguous, conflict (it holds something else) */
export async function putFile(
  context: OperationContext,
  selector: string,
  typed: string,
  body: FileBody,
  options: FileOptions = {},
): Promise<WrittenFile> {
  const { ifMatch, mediaType } = rules.parse(fileOptions, options)
  const { path } = rules.parse(newFile, { path: typed })
  const content = await contentOf(body, path)
  return changeProject(context, selector, 'file:write', async (db, project) => {
    const old = await fileAt(db, project, path)
    requireMatch(project, path, old, ifMatch)
    const file = { path, content, mediaType: mediaType ?? old?.mediaType ?? typeOf(path, content) }
    const isSame = old?.sha256 === content.sha256 && old.mediaType === file.mediaType
    if (isSame) return { ...fileView(project, old), outcome: 'unchanged' }
    await writeFiles(context, db, project, [file], new Map(old && [[path, old]]))
    const after = fileView(project, await requireFile(db, project, path))
    await record(context, db, {
      action: 'project.file-put',
      target: targetOf('project', project),
      before: old === undefined ? null : fileView(project, old),
      after: old === undefined ? after : { ...after, path: undefined },
    })
    return { ...after, outcome: old === undefined ? 'added' : 'changed' }
  })
}

/** Writes any number of files in one transaction. @throws as `putFile`; invalid for a path that is given twice */
export async function putFiles(
  context: OperationContext,
  selector: string,
  files: Iterable<NewFile> | AsyncIterable<NewFile>,
): Promise<FilesChange> {
  const given = new Map<string, NewContent>()
  for await (const each of files) {
    const { path, mediaType } = rules.parse(newFile, each)
    if (given.has(path)) throw twice(path)
    const content = await contentOf(each.content, path)
    given.set(path, { path, content, mediaType: mediaType ?? typeOf(path, content) })
  }
  return changeProject(context, selector, 'file:write', async (db, project) => {
    const old = await filesAt(db, project, [...given.keys()])
    const isSame = ({ path, content, mediaType }: NewContent) =>
      old.get(path)?.sha256 === content.sha256 && old.get(path)?.mediaType === mediaType
    const written = [...given.values()].filter(file => !isSame(file))
    await writeFiles(context, db, project, written, old)
    const sized = written.map(({ path, content: { size } }) => ({ path, size }))
    const change = changeOf(project, {
      added: sized.filter(({ path }) => !old.has(path)),
      changed: sized.filter(({ path }) => old.has(path)),
      unchanged: given.size - written.length,
    })
    await recordChange(context, db, project, change)
    return change
  })
}

/** @throws not_found, ambiguous */
export const getFile = (context: OperationContext, selector: string, path: string): Promise<ProjectFile> =>
  context.store.read(async db => {
    const project = await find(db, 'project', selector)
    return fileView(project, await requireFile(db, project, path))
  })

/** A file with its content. @throws not_found, ambiguous; corrupt at the end of a damaged content */
export const openFile = (context: OperationContext, selector: string, path: string): Promise<OpenFile> =>
  context.store.read(async db => {
    const project = await find(db, 'project', selector)
    const row = await requireFile(db, project, path)
    const content = unpacked(await storedContent(db, row.sha256), row.sha256, row.path)
    return { ...fileView(project, row), content }
  })

/** In the order of paths. @throws invalid, not_found, ambiguous */
export const fileList = paged('files', (_, selector: string, given: FilePage = {}) => {
  const { limit, after, under } = rules.parsePage(fileFilter, given)
  return {
    limit,
    open: async db => {
      const project = await find(db, 'project', selector)
      return inOrder(db, projectFiles, {
        by: projectFiles.path,
        where: isUnder(project, { under }),
        after,
        views: rows => rows.map(row => fileView(project, row)),
        keyOf: ({ path }) => path,
      })
    },
  }
})

/** Gives a file another path. @throws invalid, not_found, ambiguous, conflict (the path is taken, or it holds something else) */
export async function moveFile(
  context: OperationContext,
  selector: string,
  from: string,
  to: string,
  condition: FileCondition = {},
): Promise<MovedFile> {
  const { path } = rules.parse(newFile, { path: to })
  const { ifMatch } = rules.parse(fileCondition, condition)
  return changeProject(context, selector, 'file:write', async (db, project) => {
    const old = await requireFile(db, project, from)
    requireMatch(project, old.path, old, ifMatch)
    if (old.path === path)
      throw new LatchkeyError('conflict', `${path} has this path already`, 'give another path')
    if (await fileAt(db, project, path)) throw taken(project, path)
    const now = context.now()
    const change = { path, updatedAt: now.getTime() }
    await db.update(projectFiles).set(change).where(eq(projectFiles.id, old.id))
    await remember(context, db, project, [
      { path: old.path, action: 'removed' },
      { ...old, path, action: 'moved', previousPath: old.path },
    ])
    const [before, after] = [fileView(project, old), fileView(project, { ...old, ...change })]
    const target = targetOf('project', project)
    await record(context, db, { action: 'project.file-move', target, before, after })
    return { ...after, previousPath: old.path }
  })
}

/** Removes a file. @throws not_found, ambiguous, conflict (it holds something else) */
export async function removeFile(
  context: OperationContext,
  selector: string,
  path: string,
  condition: FileCondition = {},
): Promise<ProjectFile> {
  const { ifMatch } = rules.parse(fileCondition, condition)
  return changeProject(context, selector, 'file:write', async (db, project) => {
    const old = await requireFile(db, project, path)
    requireMatch(project, old.path, old, ifMatch)
    await removeRows(context, db, project, [old])
    const before = fileView(project, old)
    await record(context, db, { action: 'project.file-remove', target: targetOf('project', project), before })
    return before
  })
}

/** Removes every file of a project in one transaction. @throws not_found, ambiguous */
export function removeFiles(context: OperationContext, selector: string): Promise<FilesChange> {
  return changeProject(context, selector, 'file:write', async (db, project) => {
    const rows = await db.select().from(projectFiles).where(eq(projectFiles.projectId, project.id))
    await removeRows(context, db, project, rows)
    const change = changeOf(project, { removed: rows })
    await recordChange(context, db, project, change)
    return change
  })
}

/** What became of the files of a project, the latest first. @throws invalid, not_found, ambiguous */
export const fileChanges = listed((_, selector: string, given: HistoryPage = {}) => {
  const { limit = 100, path, after } = rules.parsePage(historyFilter, given)
  return {
    limit,
    open: async db => {
      const { id } = await find(db, 'project', selector)
      return inOrder(db, fileHistory, {
        by: fileHistory.id,
        where: and(
          eq(fileHistory.projectId, id),
          path === undefined ? undefined : eq(fileHistory.path, path),
        ),
        descending: true,
        after,
        views: rows => rows.map(changeView),
        keyOf: view => view.id,
      })
    },
  }
})

export interface NewContent {
  readonly path: string
  readonly content: Content
  readonly mediaType: string
}

/** Writes files, and what became of them. `old` has those that are there. */
export async function writeFiles(
  context: OperationContext,
  db: Database,
  project: Project,
  files: readonly NewContent[],
  old: ReadonlyMap<string, FileRow>,
): Promise<void> {
  const now = context.now()
  await storeContents(
    db,
    files.map(({ content }) => content),
  )
  const rows = files.map(({ path, content: { sha256, size }, mediaType }) => ({
    id: old.get(path)?.id ?? newId('fil', now),
    projectId: project.id,
    path,
    sha256,
    size,
    mediaType,
    createdAt: old.get(path)?.createdAt ?? now.getTime(),
    updatedAt: now.getTime(),
  }))
  for (const some of inChunks(rows)) {
    await db
      .insert(projectFiles)
      .values(some)
      .onConflictDoUpdate({
        target: [projectFiles.projectId, projectFiles.path],
        set: {
          sha256: sql`excluded.sha256`,
          size: sql`excluded.size`,
          mediaType: sql`excluded.media_type`,
          updatedAt: sql`excluded.updated_at`,
        },
      })
  }
  await remember(
    context,
    db,
    project,
    rows.map(row => ({ ...row, action: old.has(row.path) ? 'changed' : 'added' })),
  )
}

export async function removeRows(
  context: OperationContext,
  db: Database,
  project: Project,
  rows: readonly FileRow[],
): Promise<void> {
  for (const some of inChunks(rows)) {
    await db.delete(projectFiles).where(oneOf(projectFiles.id, idsOf(some)))
  }
  await remember(
    context,
    db,
    project,
    rows.map(({ path }) => ({ path, action: 'removed' })),
  )
}

interface Remembered {
  readonly path: string
  readonly action: FileChange['action']
  readonly previousPath?: string
  readonly sha256?: string
  readonly size?: number
}

async function remember(
  context: OperationContext,
  db: Database,
  project: Project,
  changes: readonly Remembered[],
): Promise<void> {
  const now = context.now()
  const rows = changes.map(({ path, action, previousPath, sha256, size }) => ({
    id: newId('fch', now),
    projectId: project.id,
    path,
    action,
    previousPath: previousPath ?? null,
    sha256: sha256 ?? null,
    size: size ?? null,
    actor: context.actor.name,
    at: now.getTime(),
  }))
  for (const some of inChunks(rows)) await db.insert(fileHistory).values(some)
}

interface Sized {
  readonly path: string
  readonly size: number
}

/** What several files become. */
interface Changes {
  readonly added?: readonly Sized[]
  readonly changed?: readonly Sized[]
  readonly removed?: readonly { readonly path: string }[]
  readonly unchanged?: number
}

export function changeOf(
  { id, slug }: Project,
  { added = [], changed = [], removed = [], unchanged = 0 }: Changes,
): FilesChange {
  const paths = (files: readonly { readonly path: string }[]) => files.map(({ path }) => path).sort()
  return {
    project: { id, slug },
    added: paths(added),
    changed: paths(changed),
    removed: paths(removed),
    unchanged,
    bytes: [...added, ...changed].reduce((sum, { size }) => sum + size, 0),
  }
}

/** One audit row for all of it: the history has each file. Nothing if nothing changed. */
export async function recordChange(
  context: OperationContext,
  db: Database,
  project: Project,
  { added, changed, removed, bytes }: FilesChange,
): Promise<void> {
  if (added.length + changed.length + removed.length === 0) return
  await record(context, db, {
    action: 'project.file-sync',
    target: targetOf('project', project),
    after: { added: added.length, changed: changed.length, removed: removed.length, bytes },
  })
}

/** `0` comes after `/`. */
export const isUnder = (
  project: Project,
  { under }: { readonly under?: string | undefined },
): SQL | undefined =>
  and(
    eq(projectFiles.projectId, project.id),
    under === undefined
      ? undefined
      : and(gte(projectFiles.path, `${under}/`), lt(projectFiles.path, `${under}0`)),
  )

/** Those of the paths that are there. */
export async function filesAt(
  db: Database,
  project: Pick<Project, 'id'>,
  paths: readonly string[],
): Promise<ReadonlyMap<string, FileRow>> {
  const rows = await db
    .select()
    .from(projectFiles)
    .where(and(eq(projectFiles.projectId, project.id), oneOf(projectFiles.path, paths)))
  return new Map(rows.map(row => [row.path, row]))
}

const fileAt = async (db: Database, project: Project, path: string): Promise<FileRow | undefined> =>
  (await filesAt(db, project, [path])).get(path)

/** @param typed a path, or the id of a file. @throws not_found */
async function requireFile(db: Database, project: Project, typed: string): Promise<FileRow> {
  const path = typed.isWellFormed() ? typed.normalize('NFC') : ''
  const isMeant = or(eq(projectFiles.path, path), eq(projectFiles.id, path))
  const [row] = await db
    .select()
    .from(projectFiles)
    .where(and(eq(projectFiles.projectId, project.id), isMeant))
    .limit(1)
  if (row) return row
  throw new LatchkeyError(
    'not_found',
    `${project.slug} has no file ${JSON.stringify(path)}`,
    seeFiles(project),
  )
}

/** @throws conflict */
function requireMatch(
  project: Project,
  path: string,
  row: FileRow | undefined,
  ifMatch: string | undefined,
): void {
  if (ifMatch === undefined || row?.sha256 === ifMatch) return
  if (row === undefined)
    throw new LatchkeyError('conflict', `${path} is not there any more`, seeFiles(project))
  throw new LatchkeyError(
    'conflict',
    `${path} has changed: it holds ${row.sha256}`,
    `look at it again with: ${lineOf('project file get', project.slug, path)}`,
  )
}

const seeFiles = ({ slug }: Project): string => `see its files with: ${lineOf('project file list', slug)}`

const taken = ({ slug }: Project, path: string): LatchkeyError =>
  new LatchkeyError(
    'conflict',
    `${slug} already has a file ${path}`,
    `give another path, or remove it with: ${lineOf('project file rm', slug, path)}`,
  )

const twice = (path: string): LatchkeyError =>
  new LatchkeyError('invalid', `${path} is given twice`, 'give each path once')

/** By the name; a name that says nothing, by the content. */
export function typeOf(path: string, { isText }: Content): string {
  const [known = ''] = Bun.file(path).type.split(';')
  return known !== 'application/octet-stream' || !isText ? known : 'text/plain'
}

export const fileView = ({ id, slug }: Project, row: FileRow): ProjectFile => ({
  id: row.id,
  path: row.path,
  project: { id, slug },
  sha256: row.sha256,
  sizeBytes: row.size,
  mediaType: row.mediaType,
  createdAt: new Date(row.createdAt),
  updatedAt: new Date(row.updatedAt),
})

const changeView = (row: typeof fileHistory.$inferSelect): FileChange => ({
  id: row.id,
  path: row.path,
  action: row.action,
  previousPath: row.previousPath,
  sha256: row.sha256,
  sizeBytes: row.size,
  actor: row.actor,
  at: new Date(row.at),
})
