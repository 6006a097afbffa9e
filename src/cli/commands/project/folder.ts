/** The files of a folder, to be written into a project. Follows no symbolic links. */
import { closeSync, constants, existsSync, fstatSync, openSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { LatchkeyError } from '../../../contract/errors.ts'
import { codeOf } from '../../../contract/failure.ts'
import { mostFileBytes } from '../../../contract/views/words.ts'
import type { SourceFile } from '../../../index.ts'
import { whyUnreadable } from '../../../system/errors.ts'

interface Choosing {
  /** A folder of the project, which the paths begin with. */
  readonly under: string | undefined
  /** Patterns as in .gitignore. */
  readonly exclude: readonly string[]
}

/** @throws usage (no such folder, or a file that cannot be read), invalid (a file larger than 16 MiB) */
export function filesIn(
  folder: string,
  { under, exclude }: Choosing,
): { readonly files: readonly SourceFile[]; readonly skipped: number } {
  const isLeftOut = leftOut(exclude)
  const files: SourceFile[] = []
  let skipped = 0
  const visit = (inner: string): void => {
    for (const entry of entriesOf(folder, inner)) {
      const path = inner === '' ? entry.name : `${inner}/${entry.name}`
      if (isLeftOut(path, entry.isDirectory())) continue
      if (entry.isDirectory()) visit(path)
      else if (entry.isFile())
        files.push(sourceOf(folder, path, under === undefined ? path : `${under}/${path}`))
      else skipped++
    }
  }
  visit('')
  return { files, skipped }
}

function sourceOf(root: string, inner: string, path: string): SourceFile {
  const read = () => readWithin(root, inner)
  const bytes = read()
  return {
    path,
    sha256: Bun.CryptoHasher.hash('sha256', bytes, 'hex'),
    sizeBytes: bytes.length,
    read,
  }
}

/** A whole file, which may be a link to it. @throws usage, invalid (larger than 16 MiB) */
export const readLocal = (path: string): Uint8Array => readAs(path, 0, path)

function readWithin(root: string, inner: string): Uint8Array {
  const parts = inner.split('/')
  const name = parts.pop() ?? ''
  return within(root, parts, folder => readAs(join(folder, name), constants.O_NOFOLLOW, join(root, inner)))
}

/** @param path as people know it */
function readAs(name: string, flags: number, path: string): Uint8Array {
  let file: number | undefined
  try {
    // Opening a pipe would wait forever, and a device has no end.
    file = openSync(name, constants.O_RDONLY | constants.O_NONBLOCK | flags)
    const stat = fstatSync(file)
    if (!stat.isFile() && !stat.isDirectory()) throw special(path)
    if (stat.size <= mostFileBytes) return readFileSync(file)
  } catch (error) {
    throw unreadable(path, error, flags !== 0)
  } finally {
    if (file !== undefined) closeSync(file)
  }
  throw new LatchkeyError(
    'invalid',
    `${path} is larger than 16 MiB`,
    'keep large files elsewhere; sync leaves them out with --exclude',
  )
}

function entriesOf(root: string, inner: string) {
  return within(root, inner === '' ? [] : inner.split('/'), folder =>
    readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1)),
  )
}

/** On Linux, what is in an open folder has a name that leads through no other (proc_pid_fd(5)), as with openat(2). */
const openFolders = existsSync('/proc/self/fd') ? '/proc/self/fd' : undefined

/**
 * Calls `work` with the name of a folder within `root`. Enters no symbolic link, not even one that takes the place of a
 * folder just now; without /proc, that is noticed only if it is there before the folder is opened.
 */
function within<T>(root: string, parts: readonly string[], work: (folder: string) => T): T {
  let path = root
  let folder: number | undefined
  const opened = () => (openFolders === undefined ? path : `${openFolders}/${folder}`)
  try {
    folder = openSync(root, constants.O_RDONLY | constants.O_DIRECTORY)
    for (const part of parts) {
      const flags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW
      const inner = openSync(join(opened(), part), flags)
      closeSync(folder)
      folder = inner
      path = join(path, part)
    }
    return work(opened())
  } catch (error) {
    throw unreadable(join(root, ...parts), error, parts.length > 0)
  } finally {
    if (folder !== undefined) closeSync(folder)
  }
}

/** @param isListed whether it was a file or a folder, not a link, when its folder was listed */
function unreadable(path: string, cause: unknown, isListed: boolean): LatchkeyError {
  if (cause instanceof LatchkeyError) return cause
  const isLink = isListed && ['ELOOP', 'ENOTDIR'].includes(codeOf(cause))
  const why = isLink ? 'it is a symbolic link by now' : whyUnreadable(cause)
  const hint = isLink ? 'run the command again' : 'name one that can be read'
  return new LatchkeyError('usage', `cannot read ${path}: ${why}`, hint, { cause })
}

const special = (path: string): LatchkeyError =>
  new LatchkeyError(
    'usage',
    `cannot read ${path}: it is a pipe or a device`,
    'name a file; project file put reads stdin from -',
  )

/** Which paths patterns leave out (git-scm.com/docs/gitignore, "Pattern format"): the last that fits decides. */
function leftOut(patterns: readonly string[]): (path: string, isFolder: boolean) => boolean {
  const rules = patterns.map(pattern => {
    const [, not = '', body = '', folder = ''] = /^(!?)(.*?)(\/?)$/s.exec(pattern) ?? []
    const anchored = body.includes('/')
    const glob = new Bun.Glob(anchored ? body.replace(/^\//, '') : `**/${body}`)
    return { glob, isFolderOnly: folder !== '', excludes: not === '' }
  })
  return (path, isFolder) =>
    rules.findLast(({ glob, isFolderOnly }) => (isFolder || !isFolderOnly) && glob.match(path))?.excludes ??
    false
}
