/** Makes the files of a project those of another place, such as a folder, in one transaction. */
import { LatchkeyError } from '../../contract/errors.ts'
import type { FilesChange } from '../../contract/views.ts'
import { asc } from '../../db/query.ts'
import { projectFiles } from '../../db/schema/content.ts'
import type { OperationContext } from '../context.ts'
import * as rules from '../rules/input.ts'
import { contentOf } from './contents.ts'
import { changeOf, isUnder, type NewContent, recordChange, removeRows, typeOf, writeFiles } from './files.ts'
import { newFile, type SourceFile, type Syncing, syncing } from './input.ts'
import { held } from './project.ts'

/** Contents that are written together. */
const mostTogether = 16 * 1024 * 1024

/**
 * @param source each path once; its content is read only if the project has another
 * @throws invalid, not_found, ambiguous, conflict (a content is not what its SHA-256 said, or the difference is not the one
 *   that was asked for)
 */
export async function syncFiles(
  context: OperationContext,
  selector: string,
  source: readonly SourceFile[],
  options: Syncing = {},
): Promise<FilesChange> {
  const { under, delete: isDeleting, ifChanges } = rules.parse(syncing, options)
  const wanted = new Map(source.map(file => [rules.parse(newFile, file).path, file]))
  requireWithin(under, wanted.keys())
  return context.store.write(async db => {
    const project = await held(db, selector)
    const rows = await db
      .select()
      .from(projectFiles)
      .where(isUnder(project, { under }))
      .orderBy(asc(projectFiles.path))
    const there = new Map(rows.map(row => [row.path, row]))
    const differing = [...wanted].filter(([path, { sha256 }]) => there.get(path)?.sha256 !== sha256)
    const removed = isDeleting ? rows.filter(({ path }) => !wanted.has(path)) : []
    requireAsked(ifChanges, [...differing.map(([path]) => path), ...removed.map(({ path }) => path)])
    const [added, changed]: [NewContent[], NewContent[]] = [[], []]
    let part: NewContent[] = []
    const flush = async () => {
      await writeFiles(context, db, project, part, there)
      part = []
    }
    let size = 0
    for (const [path, file] of differing) {
      const content = await contentOf(await file.read(), path)
      if (content.sha256 !== file.sha256) throw changedMeanwhile(path)
      const old = there.get(path)
      const written = { path, content, mediaType: typeOf(path, content) }
      part.push(written)
      size += content.bytes.length
      // What is told of it later needs no bytes.
      const told = { ...written, content: { ...content, bytes: nothing } }
      ;(old === undefined ? added : changed).push(told)
      if (size < mostTogether) continue
      await flush()
      size = 0
    }
    await flush()
    await removeRows(context, db, project, removed)
    const change = changeOf(project, { added, changed, removed, unchanged: wanted.size - differing.length })
    await recordChange(context, db, project, change)
    return change
  })
}

const nothing = Buffer.alloc(0)

/** @throws invalid */
function requireWithin(under: string | undefined, paths: Iterable<string>): void {
  for (const path of paths) {
    if (under === undefined || path.startsWith(`${under}/`)) continue
    throw new LatchkeyError('invalid', `${path} is not in ${under}`, 'give paths that begin with the folder')
  }
}

/** @throws conflict */
function requireAsked(asked: readonly string[] | undefined, paths: readonly string[]): void {
  if (asked === undefined || JSON.stringify(asked.toSorted()) === JSON.stringify(paths.toSorted())) return
  throw new LatchkeyError(
    'conflict',
    'the files have changed since the difference was shown; nothing was changed',
    'run the command again to see the new difference',
  )
}

const changedMeanwhile = (path: string): LatchkeyError =>
  new LatchkeyError(
    'conflict',
    `${path} changed while it was read; nothing was changed`,
    'run the command again',
  )
