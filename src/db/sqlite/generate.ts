/**
 * `bun run generate NAME`: drizzle-kit writes the next migration from src/db/schema, then what drizzle cannot say is
 * added to the new file: STRICT on every table, WITHOUT ROWID on the clustered ones. Landed migrations are never
 * touched.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Tables stored in the order of their primary key: lookups and window sums read one run of pages. */
const clusteredTables: readonly string[] = [
  'usage',
  'secrets',
  'project_members',
  'imported_keys',
  'imported_users',
  'imported_projects',
  'import_changes',
  'prices',
  'counted_events',
  'counted_files',
  'denials',
]

const folder = join(import.meta.dir, '../../../drizzle')
const migrations = () => readdirSync(folder).filter(file => /^\d{4}_.*(?<!\.down)\.sql$/.test(file))

const before = new Set(migrations())
const name = Bun.argv[2]
const kit = Bun.spawnSync(
  ['bunx', '--bun', 'drizzle-kit', 'generate', ...(name === undefined ? [] : ['--name', name])],
  { stdio: ['inherit', 'inherit', 'inherit'] },
)
if (kit.exitCode !== 0) process.exit(kit.exitCode)

for (const file of migrations().filter(file => !before.has(file))) {
  const path = join(folder, file)
  const sql = readFileSync(path, 'utf8').replace(
    /CREATE TABLE `(?:__new_)?(\w+)` \([\s\S]*?\n\);/g,
    (statement, table: string) =>
      statement.replace(/\);$/, clusteredTables.includes(table) ? ') STRICT, WITHOUT ROWID;' : ') STRICT;'),
  )
  writeFileSync(path, sql)
  const down = path.replace(/\.sql$/, '.down.sql')
  writeFileSync(down, '', { flag: 'a' })
  process.stdout.write(
    `${file}: made strict. Write ${down.slice(folder.length + 1)}, list both in src/db/sqlite/migrations.ts and raise src/db/schema/version.ts.\n`,
  )
}
