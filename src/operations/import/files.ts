/**
 * Takes over documents of projects as their files, and takes them back. A document comes once: what becomes of it later, here or
 * in the source, stays there.
 */
import * as v from 'valibot'
import { mostFileBytes } from '../../contract/views/words.ts'
import type { ImportItem, ImportUndoItem } from '../../contract/views.ts'
import { inChunks } from '../../db/chunks.ts'
import type { Database } from '../../db/engine.ts'
import { and, asc, eq, not, oneOf, sql } from '../../db/query.ts'
import { importedFiles, projectFiles } from '../../db/schema/content.ts'
import { projects } from '../../db/schema/people.ts'
import type { ForeignDocument } from '../../formats/foreign-data.ts'
import { record } from '../audit.ts'
import { contentOf } from '../content/contents.ts'
import { changeOf, type FileRow, filesAt, removeRows, typeOf, writeFiles } from '../content/files.ts'
import { filePath } from '../content/paths.ts'
import type { OperationContext } from '../context.ts'
import { targetOf } from '../nouns.ts'
import { check } from '../rules/input.ts'
import type { Stamp } from './plan.ts'
import { read } from './state.ts'
import type { SourceSecrets } from './texts.ts'

interface FilePlan {
  readonly item: ImportItem
  /** Missing if nothing is written. */
  readonly file?: { readonly projectId: string; readonly path: string }
  readonly from: ForeignDocument
}

/** @param homes the ids of projects after the import, by their ids in the source */
export async function planFiles(
  db: Database,
  { source }: Stamp,
  incoming: readonly ForeignDocument[],
  homes: ReadonlyMap<string, string>,
  secrets: SourceSecrets,
): Promise<readonly FilePlan[]> {
  if (incoming.length === 0) return []
  const rows = await db.select().from(importedFiles).where(eq(importedFiles.source, source))
  const known = new Set(rows.map(row => row.foreignId))
  const there = await db
    .select({ projectId: projectFiles.projectId, path: projectFiles.path })
    .from(projectFiles)
    .where(oneOf(projectFiles.projectId, [...homes.values()]))
  const taken = new Set(there.map(({ projectId, path }) => `${projectId} ${path}`))
  return incoming.map((from, index) => {
    const { refusal } = secrets.sift({ id: from.id, path: from.path }, [])
    if (refusal !== null)
      return { item: { type: 'file', name: `file ${index + 1}`, outcome: 'refused', reason: refusal }, from }
    // A path on a site begins with /.
    const given = from.path.trim().replace(/^\/+/, '')
    const parsed = check(filePath, given)
    const path = parsed.success ? parsed.output : given
    const plan = (outcome: ImportItem['outcome'], reason: string | null): FilePlan => ({
      item: { type: 'file', name: path || from.id, outcome, reason },
      from,
    })
    if (known.has(from.id)) return plan('unchanged', 'imported before')
    known.add(from.id)
    const projectId = homes.get(from.projectId)
    if (projectId === undefined) return plan('refused', 'its project is not in the source')
    if (from.problem !== undefined) return plan('refused', from.problem)
    if (!parsed.success) return plan('refused', `its path ${parsed.issues[0].message}`)
    if (Buffer.byteLength(from.content) > mostFileBytes) return plan('refused', 'it is larger than 16 MiB')
    const key = `${projectId} ${path}`
    if (taken.has(key)) return plan('refused', 'another file of the project has its path')
    taken.add(key)
    return { ...plan('created', null), file: { projectId, path } }
  })
}

/** Writes the new files, with an audit row for each project. */
export async function writeImportedFiles(
  context: OperationContext,
  db: Database,
  { source, importId }: Stamp,
  plans: readonly FilePlan[],
): Promise<void> {
  const made = plans.flatMap(({ file, from }) => (file === undefined ? [] : [{ ...file, from }]))
  for (const [id, mine] of Map.groupBy(made, ({ projectId }) => projectId)) {
    const [project] = await db.select().from(projects).where(eq(projects.id, id)).limit(1)
    if (!project) throw new Error('a file was imported without its project')
    for (const some of inChunks(mine, mostTogether)) {
      const files = await Promise.all(
        some.map(async ({ path, from }) => {
          const content = await contentOf(from.content, path)
          return { path, content, mediaType: typeOf(path, content), foreignId: from.id }
        }),
      )
      await writeFiles(context, db, project, files, new Map())
      const remembered = files.map(({ foreignId, path, content: { sha256 } }) => ({
        source,
        foreignId,
        projectId: id,
        importId,
        state: { path, sha256 },
      }))
      await db.insert(importedFiles).values(remembered)
    }
    await record(context, db, {
      action: 'project.file-sync',
      target: targetOf('project', project),
      after: { added: mine.length, import: importId },
    })
  }
}

/** Documents may be large. */
const mostTogether = 50

interface FileUndo {
  /** Missing if it is no longer there. */
  readonly row: FileRow | undefined
  readonly projectId: string
  readonly foreignId: string
  readonly item: ImportUndoItem & { readonly outcome: 'removed' | 'kept' | 'gone' }
}

/** What undoing an import does to each file that it created. */
export async function planFileUndo(db: Database, importId: string): Promise<readonly FileUndo[]> {
  const remembered = await db
    .select()
    .from(importedFiles)
    .where(eq(importedFiles.importId, importId))
    .orderBy(asc(importedFiles.foreignId))
  const undos: FileUndo[] = []
  for (const [projectId, mine] of Map.groupBy(remembered, row => row.projectId)) {
    const states = mine.map(({ state, foreignId }) => ({ foreignId, ...read(fileState, state, foreignId) }))
    const there = await filesAt(
      db,
      { id: projectId },
      states.map(({ path }) => path),
    )
    for (const { path, sha256, foreignId } of states) {
      const row = there.get(path)
      const item = (outcome: FileUndo['item']['outcome'], reason: string | null) => ({
        row,
        projectId,
        foreignId,
        item: { type: 'file' as const, name: path, outcome, reason },
      })
      if (row === undefined) undos.push(item('gone', 'moved or removed here since'))
      else undos.push(row.sha256 === sha256 ? item('removed', null) : item('kept', 'changed here since'))
    }
  }
  return undos
}

const fileState = v.object({ path: v.string(), sha256: v.string() })

/** Removes the files, with an audit row for each project, and forgets what they were in the source, unless they are kept. */
export async function removeImportedFiles(
  context: OperationContext,
  db: Database,
  importId: string,
  undos: readonly FileUndo[],
): Promise<void> {
  const going = undos.flatMap(({ row, item }) => (row && item.outcome === 'removed' ? [row] : []))
  for (const [id, rows] of Map.groupBy(going, row => row.projectId)) {
    const [project] = await db.select().from(projects).where(eq(projects.id, id)).limit(1)
    if (!project) throw new Error('a file without its project')
    await removeRows(context, db, project, rows)
    const { removed } = changeOf(project, { removed: rows })
    await record(context, db, {
      action: 'project.file-sync',
      target: targetOf('project', project),
      after: { removed: removed.length, import: importId },
    })
  }
  const done = undos.flatMap(({ foreignId, item }) => (item.outcome === 'kept' ? [] : [foreignId]))
  await db
    .delete(importedFiles)
    .where(and(eq(importedFiles.importId, importId), oneOf(importedFiles.foreignId, done)))
}

/** The projects that hold files other than those that go, with one of these. */
export async function otherFiles(
  db: Database,
  undos: readonly FileUndo[],
): Promise<ReadonlyMap<string, string>> {
  const going = undos.flatMap(({ row, item }) => (row && item.outcome === 'removed' ? [row.id] : []))
  const rows = await db
    .select({ projectId: projectFiles.projectId, path: sql<string>`min(${projectFiles.path})` })
    .from(projectFiles)
    .where(not(oneOf(projectFiles.id, going)))
    .groupBy(projectFiles.projectId)
  return new Map(rows.map(({ projectId, path }) => [projectId, path]))
}
