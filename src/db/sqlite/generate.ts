/**
 * `bun run generate NAME`: drizzle-kit writes the next migration from src/db/schema. Then STRICT is added to every new
 * table, and WITHOUT ROWID to the clustered ones, because drizzle has no words for them. A migration that only adds
 * gets its way back. Landed migrations are never changed. Last, the same step is written for PostgreSQL. With `--custom`
 * after the name, the step is written by hand.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { wayBack } from './way-back.ts'

/** Tables stored in the order of their primary key, so that lookups and window sums read neighbouring pages. */
const clusteredTables: readonly string[] = [
  'minutes',
  'hours',
  'days',
  'departed',
  'secrets',
  'project_members',
  'imported_keys',
  'imported_users',
  'imported_projects',
  'imported_chats',
  'imported_files',
  'imported_rows',
  'agent_states',
  'agent_phases',
  'agent_files',
  'import_changes',
  'prices',
  'counted_events',
  'counted_files',
  'denials',
  'erased',
]

const folder = join(import.meta.dir, '../../../drizzle')
const migrations = () =>
  readdirSync(folder)
    .filter(file => /^\d{4}_.*(?<!\.down)\.sql$/.test(file))
    .sort()

const before = new Set(migrations())
const [name, ...more] = Bun.argv.slice(2)
const kit = Bun.spawnSync(
  ['bunx', '--bun', 'drizzle-kit', 'generate', ...(name === undefined ? [] : ['--name', name]), ...more],
  { stdio: ['inherit', 'inherit', 'inherit'] },
)
if (kit.exitCode !== 0) process.exit(kit.exitCode)

const added = migrations().filter(file => !before.has(file))
for (const file of added) {
  const path = join(folder, file)
  const sql = readFileSync(path, 'utf8').replace(
    /CREATE TABLE `(?:__new_)?(\w+)` \([\s\S]*?\n\);/g,
    (statement, table: string) =>
      statement.replace(/\);$/, clusteredTables.includes(table) ? ') STRICT, WITHOUT ROWID;' : ') STRICT;'),
  )
  writeFileSync(path, sql)
  const down = file.replace(/\.sql$/, '.down.sql')
  writeFileSync(join(folder, down), wayBack(sql), { flag: 'a' })
  const next = wayBack(sql) === '' ? `write ${down}` : `read ${down}`
  process.stdout.write(`${file}: made strict, and listed; ${next}.\n`)
}
if (added.length > 0) list(migrations().map(file => file.replace(/\.sql$/, '')))
const postgres = Bun.spawnSync([process.execPath, join(import.meta.dir, '../postgres/generate.ts')], {
  stdio: ['inherit', 'inherit', 'inherit'],
})
process.exitCode = postgres.exitCode

/** Writes the two files that list the migrations. */
function list(names: readonly string[]): void {
  const texts = names.flatMap((name, n) =>
    ['down', 'up'].map(
      way =>
        `import ${way}${n} from '../../../drizzle/${name}${way === 'up' ? '' : '.down'}.sql' with { type: 'text' }\n`,
    ),
  )
  writeFileSync(
    join(import.meta.dir, 'migration-texts.ts'),
    `/** Written by \`bun run generate\`: the files of drizzle/, oldest first, as text that a compiled binary carries along. */
${texts.join('')}
export const migrationTexts: readonly (readonly [name: string, up: string, down: string])[] = [
${names.map((name, n) => `  ['${name}', up${n}, down${n}],\n`).join('')}]
`,
  )
  writeFileSync(
    join(import.meta.dir, '../schema/version.ts'),
    `/** Written by \`bun run generate\`: the schema version that this program works with, one for each migration. */
export const latestVersion: number = ${names.length}
`,
  )
}
