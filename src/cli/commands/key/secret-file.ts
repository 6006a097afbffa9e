/**
 * Writes new secrets to a new file that only its owner can read. It is on disk before the database has the keys, and
 * removed if they are not stored. Never overwrites anything.
 */
import type { IssuedKey } from '../../../contract/views.ts'
import { requireFree, withNewFile } from '../../../system/files.ts'

export interface NewSecretFile {
  readonly path: string
  /** Writes one secret as plain text, several as NDJSON. Resolves when they are on disk. */
  readonly deliver: (issued: readonly IssuedKey[]) => Promise<void>
}

/**
 * Runs `work`, which creates the file when it has something to deliver. If it fails afterwards, the file is removed. A
 * dry run only checks whether the file could be created.
 *
 * @throws conflict (the name is taken), usage, permission
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
