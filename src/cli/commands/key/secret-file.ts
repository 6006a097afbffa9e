/**
 * Puts new secrets into a file of their own: made anew, readable by its owner alone, on disk before the database
 * knows of them, and gone again when they are not kept. Must never write over anything.
 */
import { rm } from 'node:fs/promises'
import type { CreatedKey } from '../../../contract/views.ts'
import { openNew, requireRoom, syncFolder } from '../../../system/new-file.ts'

export interface NewSecretFile {
  readonly path: string
  /** Writes one secret as it is, several as NDJSON; resolves when they are on disk. */
  readonly deliver: (created: readonly CreatedKey[]) => Promise<void>
}

/**
 * Makes the file, runs `work`, and takes the file away again when it fails or delivers nothing. A dry run only looks
 * whether it could.
 *
 * @throws conflict when there is something of that name, usage, permission
 */
export async function withNewSecretFile<T>(
  path: string,
  dryRun: boolean,
  work: (file: NewSecretFile) => Promise<T>,
): Promise<T> {
  if (dryRun) {
    requireRoom(path, noOverwriting)
    return work({ path, deliver: async () => {} })
  }
  const handle = await openNew(path, noOverwriting)
  let delivered = false
  const deliver = async (created: readonly CreatedKey[]): Promise<void> => {
    await handle.writeFile(textOf(created))
    await handle.sync()
    await syncFolder(path)
    delivered = true
  }
  try {
    const result = await work({ path, deliver })
    if (!delivered) await rm(path, { force: true })
    return result
  } catch (error) {
    await rm(path, { force: true })
    throw error
  } finally {
    await handle.close()
  }
}

const noOverwriting = 'name a new file: a secret overwrites nothing'

function textOf(created: readonly CreatedKey[]): string {
  const [first, second] = created
  if (first !== undefined && second === undefined) return `${first.secret}\n`
  return created.map(({ id, name, secret }) => `${JSON.stringify({ id, name, secret })}\n`).join('')
}
