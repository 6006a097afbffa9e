/** A database, a backup of it and later changes, for tests of restores. For tests only. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Client } from '../db/sqlite/client.ts'
import { createBackup } from '../operations/file/backup/create.ts'
import { addUsers, type BackupScene, backupScene } from './backups.ts'
import { firstLine } from './lines.ts'

export const cleanUp: (() => void)[] = []
/** For `afterEach`. */
export function cleanedUp(): void {
  for (const step of cleanUp.splice(0).toReversed()) step()
}

/** A database with `users` rows, a backup of it, and then as many rows again. */
export async function restoreScene(users = 50): Promise<BackupScene> {
  const scene = await backupScene({ now: () => new Date() }, users)
  cleanUp.push(scene.folder.remove)
  await createBackup(scene.context, { compression: 'none' })
  addUsers(scene.context.path, users)
  return scene
}

export function ask<T>(path: string, sql: string): T {
  const client = new Client(path, { readwrite: true })
  try {
    return client.query(sql).get() as T
  } finally {
    client.close()
  }
}

export const users = (path: string) => ask<{ n: number }>(path, 'SELECT count(*) AS n FROM users').n
export const isSound = (path: string) => ask<object>(path, 'PRAGMA integrity_check')

/** Every file beside the database, by content. */
export const snapshot = (folder: string) =>
  Object.fromEntries(
    readdirSync(folder)
      .sort()
      .map(name => [name, Bun.hash(readFileSync(join(folder, name)))]),
  )

/** Another process that opens the database, runs `body` with it as `client`, and reports when that is done. */
export async function peer(path: string, body: string) {
  const code = `
    import { Database as Client } from 'bun:sqlite'
    // Without a reference it would be collected, with its locks.
    const client = (globalThis.kept = new Client(${JSON.stringify(path)})); client.run('PRAGMA busy_timeout = 20000')
    ${body}
    console.log('ready'); await Bun.sleep(120_000)`
  const child = Bun.spawn([process.execPath, '-e', code], { stdout: 'pipe', stdin: 'pipe' })
  cleanUp.push(() => child.kill(9))
  if ((await firstLine(child.stdout)) !== 'ready\n') throw new Error('it cannot open the database')
  return { pid: child.pid, exited: child.exited }
}

/** Overwrites 64 bytes of the root page of a table. */
export function damage(path: string): void {
  const { rootpage } = ask<{ rootpage: number }>(
    path,
    "SELECT rootpage FROM sqlite_schema WHERE name = 'counted_files'",
  )
  const bytes = readFileSync(path)
  writeFileSync(path, bytes.fill(0xa5, (rootpage - 1) * 4096, (rootpage - 1) * 4096 + 64))
}

/** Rebuilds it with another page size than the backup, and leaves it in DELETE mode. */
export function withPages(path: string, bytes: number): void {
  const client = new Client(path)
  client.run('PRAGMA journal_mode = DELETE')
  client.run(`PRAGMA page_size = ${bytes}`)
  client.run('VACUUM')
  client.close()
}
