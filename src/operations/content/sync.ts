/** Makes the files of a project those of another place, such as a folder, in one transaction. */
import { LatchkeyError } from '../../contract/errors.ts'
import type { FilesChange } from '../../contract/views.ts'
import type { Database } from '../../db/engine.ts'
import { asc } from '../../db/query.ts'
import { projectFiles } from '../../db/schema/content.ts'
import type { OperationContext } from '../context.ts'
import type { Row } from '../nouns.ts'
import * as rules from '../rules/input.ts'
import { find } from '../select.ts'
import { contentOf } from './contents.ts'
import {
  changeOf,
  type FileRow,
  isUnder,
  type NewContent,
  recordChange,
  removeRows,
  typeOf,
  writeFiles,
} from './files.ts'
import { newFile, type SourceFile, type Syncing, syncing } from './input.ts'
import { changeProject } from './project.ts'

/** Contents that are written together, compressed. */
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
  const asked = wantedOf(source, options)
  return changeProject(context, selector, 'file:write', async (db, project) => {
    const { there, differing, removed, change } = await differenceOf(db, project, asked)
    requireAsked(asked.ifChanges, change)
    let part: NewContent[] = []
    let size = 0
    for (const [path, file] of differing) {
      const content = await contentOf(await file.read(), path)
      if (content.sha256 !== file.sha256) throw changedMeanwhile(path)
      part.push({ path, content, mediaType: typeOf(path, content) })
      size += content.bytes.length
      if (size < mostTogether) continue
      await writeFiles(context, db, project, part, there)
      part = []
      size = 0
    }
    await writeFiles(context, db, project, part, there)
    await removeRows(context, db, project, removed)
    await recordChange(context, db, project, change)
    return change
  })
}

/** What `syncFiles` would change. Reads no content. @throws invalid, not_found, ambiguous */
export async function planSync(
  context: OperationContext,
  selector: string,
  source: readonly SourceFile[],
  options: Syncing = {},
): Promise<FilesChange> {
  const asked = wantedOf(source, options)
  return context.store.read(
    async db => (await differenceOf(db, await find(db, 'project', selector), asked)).change,
  )
}

const leaveOut = 'rename it, or leave it out with --exclude'

type Asked = ReturnType<typeof wantedOf>

/** @throws invalid */
function wantedOf(source: readonly SourceFile[], options: Syncing) {
  const parsed = rules.parse(syncing, options)
  const wanted = new Map(source.map(file => [rules.parse(newFile, file, leaveOut).path, file]))
  for (const path of wanted.keys()) {
    if (parsed.under === undefined || path.startsWith(`${parsed.under}/`)) continue
    throw new LatchkeyError(
      'invalid',
      `${path} is not in ${parsed.under}`,
      'give paths that begin with the folder',
    )
  }
  return { ...parsed, wanted }
}

async function differenceOf(
  db: Database,
  project: Row<'project'>,
  { under, wanted, delete: isDeleting }: Asked,
) {
  const rows: readonly FileRow[] = await db
    .select()
    .from(projectFiles)
    .where(isUnder(project, { under }))
    .orderBy(asc(projectFiles.path))
  const there = new Map(rows.map(row => [row.path, row]))
  const differing = [...wanted].filter(([path, { sha256 }]) => there.get(path)?.sha256 !== sha256)
  const removed = isDeleting ? rows.filter(({ path }) => !wanted.has(path)) : []
  const told = differing.map(([path, { sizeBytes }]) => ({ path, size: sizeBytes }))
  const change = changeOf(project, {
    added: told.filter(({ path }) => !there.has(path)),
    changed: told.filter(({ path }) => there.has(path)),
    removed,
    unchanged: wanted.size - differing.length,
  })
  return { there, differing, removed, change }
}

/** @throws conflict */
function requireAsked(asked: readonly string[] | undefined, { added, changed, removed }: FilesChange): void {
  const paths = [...added, ...changed, ...removed].sort()
  if (asked === undefined || JSON.stringify(asked.toSorted()) === JSON.stringify(paths)) return
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
