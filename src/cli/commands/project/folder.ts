/** The files of a folder, to be written into a project. Follows no symbolic links. */
import { closeSync, constants, fstatSync, openSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { LatchkeyError } from '../../../contract/errors.ts'
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
    for (const entry of entriesOf(join(folder, inner))) {
      const path = inner === '' ? entry.name : `${inner}/${entry.name}`
      if (isLeftOut(path, entry.isDirectory())) continue
      if (entry.isDirectory()) visit(path)
      else if (entry.isFile())
        files.push(sourceOf(join(folder, path), under === undefined ? path : `${under}/${path}`))
      else skipped++
    }
  }
  visit('')
  return { files, skipped }
}

function sourceOf(local: string, path: string): SourceFile {
  const bytes = readLocal(local)
  return {
    path,
    sha256: Bun.CryptoHasher.hash('sha256', bytes, 'hex'),
    sizeBytes: bytes.length,
    read: () => readLocal(local),
  }
}

/** A whole file. @throws usage, invalid (larger than 16 MiB) */
export function readLocal(path: string): Uint8Array {
  let file: number | undefined
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    if (fstatSync(file).size <= mostFileBytes) return readFileSync(file)
  } catch (error) {
    throw unreadable(path, error)
  } finally {
    if (file !== undefined) closeSync(file)
  }
  throw new LatchkeyError(
    'invalid',
    `${path} is larger than 16 MiB`,
    'keep large files elsewhere; sync leaves them out with --exclude',
  )
}

function entriesOf(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))
  } catch (error) {
    throw unreadable(folder, error)
  }
}

const unreadable = (path: string, cause: unknown): LatchkeyError =>
  new LatchkeyError('usage', `cannot read ${path}: ${whyUnreadable(cause)}`, 'name one that can be read', {
    cause,
  })

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
