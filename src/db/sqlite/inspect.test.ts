import { expect, test } from 'bun:test'
import { DatabaseSync } from 'node:sqlite'
import { codeOf } from '../../contract/failure.ts'
import { backupScene } from '../../testing/backups.ts'
import { latestVersion } from '../schema/version.ts'
import { Client } from './client.ts'
import { schemaDrift } from './inspect.ts'

const trigger = 'CREATE TRIGGER sweep AFTER INSERT ON audit BEGIN DELETE FROM users; END'

test.each([
  ['a table of SQLite', 'sqlite_stat1', 'table'],
  ['the history', 'migrations', 'trigger'],
  ['a table of ours', 'keys', 'table'],
  ['an index of ours', 'audit_at', 'index'],
])('a hostile file cannot pass a trigger off as %s', async (_, name, type) => {
  using scene = await backupScene()
  // bun:sqlite refuses to write some things that a hostile file contains.
  const hostile = new DatabaseSync(scene.context.path, { defensive: false } as object)
  hostile.exec('PRAGMA writable_schema = ON')
  hostile.prepare("INSERT INTO sqlite_schema VALUES (?, ?, 'audit', 0, ?)").run(type, name, trigger)
  // The real one comes last.
  hostile.exec(
    `UPDATE sqlite_schema SET rowid = 1000 WHERE name = '${name}' AND sql NOT LIKE 'CREATE TRIGGER%'`,
  )
  hostile.close()
  const client = new Client(scene.context.path, { readwrite: true })
  try {
    // SQLite itself refuses to load some of them.
    const drift = (): readonly string[] => {
      try {
        return schemaDrift(client, latestVersion)
      } catch (error) {
        return [codeOf(error)]
      }
    }
    expect(drift().filter(line => line !== '')).not.toEqual([])
  } finally {
    client.close()
  }
})
