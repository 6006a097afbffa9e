/** What files hold: stored compressed, and each content once, by its SHA-256. Knows no files. */
import { LatchkeyError } from '../../contract/errors.ts'
import { mostFileBytes } from '../../contract/views/words.ts'
import { inChunks } from '../../db/chunks.ts'
import type { Database } from '../../db/engine.ts'
import { eq, notInArray, sql } from '../../db/query.ts'
import { fileContents, projectFiles } from '../../db/schema/content.ts'
import { isText } from '../../text/plain.ts'
import type { OperationContext } from '../context.ts'
import type { FileBody } from './input.ts'

export type Content = typeof fileContents.$inferInsert & { readonly isText: boolean }

/** Reads a body to its end, or until it is too large. @throws invalid (more than 16 MiB) */
export async function contentOf(body: FileBody, path: string): Promise<Content> {
  const bytes = await gathered(body, path)
  return {
    sha256: Bun.CryptoHasher.hash('sha256', bytes, 'hex'),
    bytes: Buffer.from(await Bun.zstdCompress(bytes)),
    size: bytes.length,
    isText: isText(bytes),
  }
}

async function gathered(body: FileBody, path: string): Promise<Uint8Array> {
  if (typeof body === 'string' || body instanceof Uint8Array) {
    const bytes = typeof body === 'string' ? Buffer.from(body) : body
    if (bytes.length > mostFileBytes) throw tooLarge(path)
    return bytes
  }
  const parts: Uint8Array[] = []
  let size = 0
  for await (const part of body) {
    size += part.length
    if (size > mostFileBytes) throw tooLarge(path)
    parts.push(part)
  }
  return Buffer.concat(parts)
}

const tooLarge = (path: string): LatchkeyError =>
  new LatchkeyError(
    'invalid',
    `${path} is larger than 16 MiB`,
    'keep large files elsewhere, and their address here',
  )

/** As many contents as one statement may hold without much memory. */
const mostInStatement = 4 * 1024 * 1024

/** Stores contents that are not there yet. */
export async function storeContents(db: Database, contents: readonly Content[]): Promise<void> {
  const distinct = new Map(contents.map(({ isText: _, ...row }) => [row.sha256, row]))
  let part: (typeof fileContents.$inferInsert)[] = []
  let size = 0
  const flush = async () => {
    for (const some of inChunks(part)) {
      // One that is there is held until the end of the transaction, so that no clean-up takes it away.
      await db
        .insert(fileContents)
        .values(some)
        .onConflictDoUpdate({ target: fileContents.sha256, set: { size: sql`excluded.size` } })
    }
    part = []
    size = 0
  }
  // In one order, so that two that store the same do not wait for each other.
  for (const [, row] of [...distinct].sort(([a], [b]) => (a < b ? -1 : 1))) {
    part.push(row)
    size += row.bytes.length
    if (size >= mostInStatement) await flush()
  }
  await flush()
}

/** The content, compressed. */
export async function storedContent(db: Database, sha256: string): Promise<Uint8Array> {
  const [row] = await db
    .select({ bytes: fileContents.bytes })
    .from(fileContents)
    .where(eq(fileContents.sha256, sha256))
    .limit(1)
  if (row) return row.bytes
  throw new Error(`there is no content ${sha256}`)
}

/** The content as it was, a part at a time. Fails at its end if it is another. */
export function unpacked(stored: Uint8Array, sha256: string, path: string): ReadableStream<Uint8Array> {
  const hash = new Bun.CryptoHasher('sha256')
  const checking = new TransformStream<Uint8Array, Uint8Array>({
    transform: (part, controller) => {
      hash.update(part)
      controller.enqueue(part)
    },
    flush: () => {
      if (hash.digest('hex') === sha256) return
      throw new LatchkeyError(
        'corrupt',
        `the content of ${path} is damaged: it is not what was stored`,
        'check the database with: latchkey db check, and restore the project from a backup',
      )
    },
  })
  return new Blob([stored as Uint8Array<ArrayBuffer>])
    .stream()
    .pipeThrough(new DecompressionStream('zstd'))
    .pipeThrough(checking)
}

const unreferenced = 'DELETE FROM file_contents WHERE sha256 NOT IN (SELECT sha256 FROM project_files)'

/** Removes the contents that no file has. Returns what was run, or would be in a dry run. */
export function removeUnreferenced({ store }: Pick<OperationContext, 'store'>): Promise<readonly string[]> {
  return store.write(async db => {
    const removed = await db
      .delete(fileContents)
      .where(notInArray(fileContents.sha256, db.select({ sha256: projectFiles.sha256 }).from(projectFiles)))
      .returning({ sha256: fileContents.sha256 })
    return removed.length === 0 ? [] : [unreferenced]
  })
}
