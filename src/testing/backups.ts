/** A real database with some users, a backup folder, and a clock that tests set. For tests only. */
import { readFileSync, writeFileSync } from 'node:fs'
import { openWriter } from '../db/sqlite/open.ts'
import type { FileContext } from '../operations/context.ts'
import { initialize } from '../operations/file/init.ts'
import { newId } from '../operations/rules/ids.ts'
import { type TemporaryFolder, temporaryFolder } from './folder.ts'
import { fromTemplate } from './template.ts'

export interface BackupScene extends Disposable {
  readonly context: FileContext
  readonly dry: FileContext
  readonly folder: TemporaryFolder
  readonly clock: { now: Date }
}

/** `using scene = await backupScene()`. */
export async function backupScene(more: Partial<FileContext> = {}, users = 100): Promise<BackupScene> {
  const folder = temporaryFolder()
  const clock = { now: new Date('2026-11-20T03:11:26.603Z') }
  const context: FileContext = {
    path: folder.file('data', 'latchkey.db'),
    backupDir: folder.file('backups'),
    now: () => clock.now,
    actor: { name: 'tester', origin: 'script' },
    dryRun: false,
    ...more,
  }
  await fromTemplate(`${users} users`, context.path, async () => {
    await initialize(context)
    addUsers(context.path, users)
  })
  return {
    context,
    dry: { ...context, dryRun: true },
    folder,
    clock,
    [Symbol.dispose]: folder.remove,
  }
}

/** Adds users whose ids and names sort in the order in which they were added, as real ids do. */
export function addUsers(path: string, count: number): void {
  const client = openWriter(path)
  client.run('BEGIN')
  const insert = client.prepare(
    "INSERT INTO users (id, username, role, service, created_at, updated_at) VALUES (?, ?, 'member', 0, 0, 0)",
  )
  for (let n = 0; n < count; n++) {
    const id = newId('usr', new Date())
    insert.run(id, id.slice(4))
  }
  client.run('COMMIT')
  client.close()
}

/** The path of a backup's manifest. */
export const manifestOf = (path: string): string => path.replace(/\.db.*$/, '.json')

/** Rewrites the manifest of a backup with a hash that fits. */
export function rewriteManifest(
  path: string,
  change: (manifest: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>>,
): void {
  const file = manifestOf(path)
  const { manifestSha256: _, ...manifest } = JSON.parse(readFileSync(file, 'utf8'))
  const content = change(manifest)
  const hash = new Bun.CryptoHasher('sha256').update(JSON.stringify(content)).digest('hex')
  writeFileSync(file, JSON.stringify({ ...content, manifestSha256: hash }))
}
