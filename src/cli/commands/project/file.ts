/** The commands of the files of projects. */
import {
  fileChange,
  fileContent,
  filesChange,
  movedFile,
  projectFile,
  writtenFile,
} from '../../../contract/views/content.ts'
import type { FilesChange, WrittenFile } from '../../../index.ts'
import { replaceFile, requireFree, withNewFile } from '../../../system/files.ts'
import { many } from '../../../text/quantity.ts'
import { listing } from '../../declare/column.ts'
import type { Context } from '../../declare/declaration.ts'
import { arg, command, one, opt, rows } from '../../declare/define.ts'
import { printable } from '../../terminal/printable.ts'
import { paging, selecting } from '../thing.ts'
import { filesIn, readLocal } from './folder.ts'

const document = arg.one('Path in the project')
const ofOne = { ...selecting('project'), document }
const ifMatch = opt.text('sha256', 'Only if the file holds this; otherwise a conflict')

const list = command({
  effect: 'read',
  summary: 'List the files of a project',
  description: 'In the order of their paths. To page, give the last path of a page as --after PATH.',
  examples: [
    'latchkey project file list shop',
    'latchkey project file list shop --under docs --limit 20',
    'latchkey project file list shop --json',
  ],
  args: selecting('project'),
  options: {
    under: opt.text('prefix', 'Only files in this folder of the project'),
    ...paging('path', 'document'),
  },
  run: async (ctx, { project, ...page }) => (await ctx.operations()).files.stream(project, page),
  prints: rows(projectFile, {
    columns: [
      { title: 'path', cell: file => file.path, importance: 'high' },
      { title: 'size', cell: (file, brush) => brush.bytes(file.sizeBytes), align: 'right' },
      { title: 'type', cell: file => file.mediaType, spare: true },
      { title: 'changed', time: file => file.updatedAt },
      { title: 'sha256', cell: file => file.sha256, wide: true },
      { title: 'id', cell: file => file.id, wide: true },
      { title: 'created', time: file => file.createdAt, wide: true },
    ],
    empty: 'No files. Write one with: latchkey project file put shop plan.md plan.md',
    noMatch: 'No files match. List all with: latchkey project file list shop',
  }),
})

interface Gotten {
  readonly bytes: Uint8Array
  /** Where it was written. */
  readonly written: string | undefined
}

const get = command({
  effect: 'read',
  summary: 'Print a file, or write it to a new file',
  description:
    'Prints the file as it is. On a terminal, a file that is not text needs --out. With --json, the content is a field, in base64 if it is not text.',
  examples: [
    'latchkey project file get shop plan.md',
    'latchkey project file get shop logo.png --out logo.png',
    'latchkey project file get shop plan.md --json',
  ],
  args: ofOne,
  options: {
    out: opt.text('file', 'Write it to this new file'),
    force: opt.flag('Let --out replace a file'),
  },
  asks: ({ out, force }) => out !== undefined && !force,
  goesAheadAlone: true,
  confirm: async (ctx, { out }) => {
    if (out === undefined || !(await Bun.file(ctx.path(out)).exists())) return undefined
    return { question: `${out} already exists. Replace it`, binds: { force: true } }
  },
  run: async (ctx, { project, document, out, force }) => {
    const target = out === undefined ? undefined : ctx.path(out)
    const { content: stream, ...file } = await (await ctx.operations()).files.open(project, document)
    const bytes = await new Response(stream).bytes()
    // A question tries the command first.
    if (target !== undefined && !ctx.dryRun) await save(target, force, bytes)
    const text = textIn(bytes)
    const gotten: Gotten = { bytes, written: out }
    return {
      ...file,
      encoding: text === undefined ? ('base64' as const) : ('utf-8' as const),
      content: text ?? Buffer.from(bytes).toString('base64'),
      ...gotten,
    }
  },
  prints: one(fileContent, {
    done: (file, brush) => `Wrote ${file.path} (${brush.bytes(file.sizeBytes)})`,
  }),
  bytes: file => {
    const { bytes, written } = file as object as Gotten
    return written === undefined ? bytes : undefined
  },
})

async function save(path: string, replace: boolean, bytes: Uint8Array): Promise<void> {
  if (replace) return replaceFile(path, bytes)
  const hint = 'name a new file, or overwrite that one with --force'
  requireFree(path, hint)
  await withNewFile(path, hint, async write => write(bytes))
}

function textIn(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}

const putText = (file: WrittenFile): string =>
  file.outcome === 'unchanged'
    ? `Unchanged: ${file.path} holds this already`
    : `${file.outcome === 'added' ? 'Added' : 'Changed'} ${file.path} in ${file.project.slug}`

const put = command({
  effect: 'write',
  summary: 'Write a file of a project',
  description:
    'Reads a file, or with - stdin, up to 16 MiB. With --if-match a file that has changed since you read it is not overwritten: the command exits 5.',
  examples: [
    'latchkey project file put shop plan.md plan.md',
    "echo '# Plan' | latchkey project file put shop docs/plan.md -",
    'latchkey project file put shop plan.md plan.md --if-match "$sha256" --json',
  ],
  args: {
    ...selecting('project'),
    document: arg.fresh('Path in the project'),
    file: arg.one('File to read; - reads stdin'),
  },
  options: { ifMatch, mediaType: opt.text('type', 'Media type (default: by the name)') },
  run: async (ctx, { project, document, file, ...options }) => {
    const { files } = await ctx.operations()
    const { chunks } = file === '-' ? ctx.rowSource(file) : { chunks: undefined }
    return files.put(project, document, chunks ?? readLocal(ctx.path(file)), options)
  },
  prints: one(writtenFile, { done: putText }),
  would: file =>
    file.outcome === 'unchanged'
      ? undefined
      : `${file.outcome === 'added' ? 'add' : 'change'} ${file.path} in ${file.project.slug}`,
})

const mv = command({
  effect: 'write',
  summary: 'Give a file of a project another path',
  examples: [
    'latchkey project file mv shop plan.md docs/plan.md',
    'latchkey project file mv shop plan.md docs/plan.md --dry-run',
  ],
  args: { ...ofOne, to: arg.one('The new path') },
  options: { ifMatch },
  run: async (ctx, { project, document, to, ...condition }) =>
    (await ctx.operations()).files.move(project, document, to, condition),
  prints: one(movedFile, { done: file => `Moved ${file.previousPath} to ${file.path}` }),
  would: file => `move ${file.previousPath} to ${file.path}`,
})

const rm = command({
  effect: 'destroy',
  summary: 'Remove a file of a project',
  examples: ['latchkey project file rm shop plan.md', 'latchkey project file rm shop docs/plan.md --yes'],
  args: ofOne,
  options: { ifMatch },
  confirm: async (ctx, { project, document }) => {
    const file = await (await ctx.operations()).files.get(project, document)
    return { question: `Remove ${file.path} from ${file.project.slug}`, binds: { ifMatch: file.sha256 } }
  },
  run: async (ctx, { project, document, ...condition }) =>
    (await ctx.operations()).files.remove(project, document, condition),
  prints: one(projectFile, { done: file => `Removed ${file.path} from ${file.project.slug}` }),
  would: file => `remove ${file.path} from ${file.project.slug}`,
})

const synced = ({ added, changed, removed, unchanged, project }: FilesChange): string =>
  [
    ...differences({ added, changed, removed }).map(({ mark, path }) => `${mark} ${printable(path)}`),
    `${many(added.length, 'file')} added, ${changed.length} changed, ${removed.length} removed, ${unchanged} unchanged in ${project.slug}`,
  ].join('\n')

const differences = ({ added, changed, removed }: Pick<FilesChange, 'added' | 'changed' | 'removed'>) =>
  [
    ...added.map(path => ({ mark: '+', path })),
    ...changed.map(path => ({ mark: '~', path })),
    ...removed.map(path => ({ mark: '-', path })),
  ].toSorted((a, b) => (a.path < b.path ? -1 : 1))

interface Syncing {
  readonly project: string
  readonly folder: string
  readonly under: string | undefined
  readonly delete: boolean
  readonly exclude: readonly string[] | undefined
  /** What was confirmed. */
  readonly ifChanges?: readonly string[]
}

async function sourceOf(ctx: Context, { folder, under, exclude = [] }: Syncing) {
  const { files, skipped } = filesIn(ctx.path(folder), { under, exclude })
  return { files, skipped }
}

const sync = command({
  effect: 'destroy',
  summary: 'Make the files of a project those of a folder',
  description:
    'Shows the difference first, then writes it in one transaction. Files that only the project has stay, unless you give --delete. Symbolic links are not followed. --exclude takes patterns as .gitignore does: *.log at any depth, /build only at the top, cache/ only folders, !keep.log not.',
  examples: [
    'latchkey project file sync shop docs --dry-run',
    "latchkey project file sync shop . --exclude node_modules/ --exclude '*.log'",
    'latchkey project file sync shop docs --under docs --delete --yes',
  ],
  args: { ...selecting('project'), folder: arg.one('The folder') },
  options: {
    under: opt.text('prefix', 'Folder of the project to write to (default: all of it)'),
    delete: opt.flag('Remove files that the folder does not have'),
    exclude: opt.many('pattern', raw => raw, 'Leave out files and folders like this (repeatable)'),
  },
  confirm: async (ctx, typed) => {
    const { files, skipped } = await sourceOf(ctx, typed)
    if (skipped > 0) await ctx.notice(skippedText(skipped))
    const options = { under: typed.under, delete: typed.delete }
    const plan = await (await ctx.operations()).files.planSync(typed.project, files, options)
    const changes = differences(plan)
    if (changes.length === 0) return undefined
    return {
      question: `Change ${many(changes.length, 'file')} of ${plan.project.slug}`,
      list: listing(
        [
          { title: '', cell: ({ mark }) => mark },
          { title: 'path', cell: ({ path }) => path, whole: true },
        ],
        changes,
      ),
      binds: { ifChanges: changes.map(({ path }) => path) },
    }
  },
  run: async (ctx, typed: Syncing) => {
    const { files } = await sourceOf(ctx, typed)
    const { project, under, delete: isDeleting, ifChanges } = typed
    return (await ctx.operations()).files.sync(project, files, { under, delete: isDeleting, ifChanges })
  },
  prints: one(filesChange, { done: synced }),
  would: change => `make these changes:\n${synced(change)}`,
})

const skippedText = (number: number): string =>
  `${many(number, 'symbolic link or special file', 'symbolic links and special files')} left out.`

const history = command({
  effect: 'read',
  summary: 'Show what became of the files of a project, the latest first',
  description: 'Without their contents. To page, give the last change of a page as --after ID.',
  examples: [
    'latchkey project file history shop',
    'latchkey project file history shop plan.md --json',
    'latchkey project file history shop --limit 20',
  ],
  args: { ...selecting('project'), document: arg.optional('Path in the project (default: all files)') },
  options: paging('change', 'id'),
  run: async (ctx, { project, document, ...page }) =>
    (await ctx.operations()).files.history(project, { path: document, ...page }),
  prints: rows(fileChange, {
    columns: [
      { title: 'at', time: change => change.at },
      { title: 'action', cell: change => change.action },
      { title: 'path', cell: change => change.path, importance: 'high' },
      { title: 'from', cell: change => change.previousPath ?? '', hideEmpty: true },
      {
        title: 'size',
        cell: (change, brush) => (change.sizeBytes === null ? '' : brush.bytes(change.sizeBytes)),
        align: 'right',
      },
      { title: 'by', cell: change => change.actor },
      { title: 'sha256', cell: change => change.sha256 ?? '', wide: true },
      { title: 'id', cell: change => change.id, wide: true },
    ],
    empty: 'Nothing has happened to files of this project.',
    noMatch: 'Nothing else has happened to such a file. See all with: latchkey project file history PROJECT',
  }),
})

export default { list, get, put, mv, rm, sync, history }
