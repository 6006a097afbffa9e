/**
 * Puts new secrets into a file of their own: made anew, readable by its owner alone, on disk before the database
 * knows of them, and gone again when they are not kept. Must never write over anything.
 */
import type { IssuedKey } from '../../../contract/views.ts'
import { requireFree, withNewFile } from '../../../system/files.ts'

export interface NewSecretFile {
  readonly path: string
  /** Writes one secret as it is, several as NDJSON; resolves when they are on disk. */
  readonly deliver: (issued: readonly IssuedKey[]) => Promise<void>
}

/**
 * Runs `work`, which makes the file when it has something to deliver; when it fails after all, the file is taken away
 * again. A dry run only looks whether it could be made.
 *
 * @throws conflict when there is something of that name, usage, permission
 */
export async function withNewSecretFile<T>(
  path: string,
  dryRun: boolean,
  work: (file: NewSecretFile) => Promise<T>,
): Promise<T> {
  if (dryRun) {
    requireFree(path, noOverwriting)
    return work({ path, deliver: async () => {} })
  }
  return withNewFile(path, noOverwriting, write =>
    work({ path, deliver: async issued => write(textOf(issued)) }),
  )
}

const noOverwriting = 'name a new file; secrets never overwrite a file'

function textOf(issued: readonly IssuedKey[]): string {
  const [first, second] = issued
  if (first !== undefined && second === undefined) return `${first.secret}\n`
  return issued.map(({ id, name, secret }) => `${JSON.stringify({ id, name, secret })}\n`).join('')
}
