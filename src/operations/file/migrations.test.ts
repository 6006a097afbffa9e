import { afterEach, expect, test } from 'bun:test'
import { existsSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { latestVersion } from '../../db/schema/version.ts'
import { migrateTo } from '../../db/sqlite/migrate.ts'
import { type MigrationSource, migrations } from '../../db/sqlite/migrations.ts'
import { openWriter } from '../../db/sqlite/open.ts'
import { failure } from '../../testing/failure.ts'
import { type TemporaryFolder, temporaryFolder } from '../../testing/folder.ts'
import { firstLine } from '../../testing/lines.ts'
import { fromTemplate } from '../../testing/template.ts'
import type { FileContext } from '../context.ts'
import { listBackups } from './backup/list.ts'
import { initialize } from './init.ts'
import { checkSchema, migrate, migrationHistory, planMigration, schemaState } from './migrations.ts'

let folder: TemporaryFolder
afterEach(() => folder.remove())

/** A database at the newest version of the program, with a table of parents and children beside. */
async function scene(): Promise<FileContext> {
  folder = temporaryFolder()
  const context: FileContext = {
    path: folder.file('data', 'latchkey.db'),
    backupDir: folder.file('backups'),
    now: () => new Date(),
    actor: { name: 'tester', origin: 'script' },
    dryRun: false,
  }
  await fromTemplate('new', context.path, async () => {
    await initialize(context)
  })
  sql(
    context,
    "INSERT INTO users (id, username, role, service, created_at, updated_at) VALUES ('usr_' || hex(randomblob(13)), 'alice', 'member', 0, 0, 0)",
  )
  return context
}

function sql<T = unknown>(context: FileContext, text: string): T[] {
  const client = openWriter(context.path)
  try {
    client.run('PRAGMA foreign_keys = OFF')
    return client.query(text).all() as T[]
  } finally {
    client.close()
  }
}

const source = (name: string, up: string, down = 'SELECT 1;'): Omit<MigrationSource, 'version'> => ({
  name,
  up,
  down,
  hash: new Bun.CryptoHasher('sha256').update(up).digest('hex'),
})
/** The program's own migrations and more after them. */
const withMore = (...more: Omit<MigrationSource, 'version'>[]): readonly MigrationSource[] =>
  [...migrations, ...more].map((step, index) => ({ ...step, version: index + 1 }))

const family = source(
  '0001_family',
  `CREATE TABLE parents (id INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT;
--> statement-breakpoint
CREATE TABLE children (id INTEGER PRIMARY KEY, parent INTEGER NOT NULL REFERENCES parents(id) ON DELETE CASCADE) STRICT;
--> statement-breakpoint
INSERT INTO parents VALUES (1, 'a'), (2, 'b');
--> statement-breakpoint
INSERT INTO children VALUES (1, 1), (2, 1), (3, 2);`,
  'DROP TABLE children;\n--> statement-breakpoint\nDROP TABLE parents;',
)
const rebuild = source(
  '0002_rebuild',
  `CREATE TABLE __new_parents (id INTEGER PRIMARY KEY, name TEXT NOT NULL, age INTEGER) STRICT;
--> statement-breakpoint
INSERT INTO __new_parents SELECT id, name, NULL FROM parents;
--> statement-breakpoint
DROP TABLE parents;
--> statement-breakpoint
ALTER TABLE __new_parents RENAME TO parents;`,
)

test('a step up takes a backup first, writes down who did it, and comes back down', async () => {
  const context = await scene()
  const sources = withMore(family, rebuild)
  const up = await migrate(context, { direction: 'up' }, sources)
  expect(up).toMatchObject({
    from: latestVersion,
    to: latestVersion + 2,
    steps: ['0001_family', '0002_rebuild'],
  })
  expect((await listBackups(context))[0]).toMatchObject({ id: up.backup!, reason: 'pre-migrate' })
  expect(
    sql(context, "SELECT actor, after ->> 'backup' AS backup FROM audit WHERE action = 'database.migrate'"),
  ).toEqual([{ actor: 'tester', backup: up.backup }])
  // Rebuilding a parent with foreign keys on would have wiped its children.
  expect(sql(context, 'SELECT count(*) AS n FROM children')).toEqual([{ n: 3 }])
  expect((await schemaState(context, sources)).migrations.map(step => step.state)).toEqual(
    sources.map(() => 'applied'),
  )
  expect(await checkSchema(context, sources)).toMatchObject({ ok: true, problems: [] })
  const down = await migrate(context, { direction: 'down', to: latestVersion }, sources)
  expect(down).toMatchObject({ to: latestVersion, steps: ['0002_rebuild', '0001_family'] })
  expect(await checkSchema(context, sources)).toMatchObject({ ok: true })
})

test('down to nothing and up again, where there is no audit trail left to write to', async () => {
  const context = await scene()
  expect(await migrate(context, { direction: 'down', to: 0 })).toMatchObject({ to: 0 })
  expect(await schemaState(context)).toMatchObject({ current: 0, latest: latestVersion })
  expect((await schemaState(context)).migrations.every(step => step.state === 'pending')).toBe(true)
  expect(await migrate(context, { direction: 'up' })).toMatchObject({ from: 0, to: latestVersion })
  expect(sql(context, "SELECT count(*) AS n FROM audit WHERE action = 'database.migrate'")).toEqual([
    { n: 1 },
  ])
})

test('with nothing to do there is no backup, no folder and no change', async () => {
  const context = await scene()
  expect(await migrate(context, { direction: 'up' })).toEqual({
    path: context.path,
    from: latestVersion,
    to: latestVersion,
    steps: [],
    backup: null,
    lost: {},
  })
  expect(existsSync(context.backupDir)).toBe(false)
})

test('a dry run rehearses and changes nothing', async () => {
  const context = await scene()
  const sources = withMore(family)
  expect(await migrate({ ...context, dryRun: true }, { direction: 'up' }, sources)).toMatchObject({
    to: latestVersion + 1,
    steps: ['0001_family'],
    backup: null,
  })
  expect(await schemaState(context, sources)).toMatchObject({ current: latestVersion })
  expect(existsSync(context.backupDir)).toBe(false)
  expect(readdirSync(dirname(context.path))).toEqual(['latchkey.db'])
})

const forgetful = rebuild.up.replace('FROM parents', 'FROM parents WHERE id = 1')
test.each<[string, string, string]>([
  [
    'loses rows without saying so',
    forgetful.replace(
      'DROP TABLE parents',
      'DELETE FROM children WHERE parent = 2;\n--> statement-breakpoint\nDROP TABLE parents',
    ),
    'invalid',
  ],
  ['drops a table that has rows', 'DROP TABLE children;', 'invalid'],
  ['leaves rows that point at nothing', forgetful, 'corrupt'],
  [
    'has a statement that fails',
    'CREATE TABLE x (a);\n--> statement-breakpoint\nINSERT INTO parents VALUES (1, NULL);',
    'unexpected',
  ],
])('a migration that %s fails in the rehearsal: no backup, no change', async (_, text, code) => {
  const context = await scene()
  await migrate(context, { direction: 'up' }, withMore(family))
  const backups = (await listBackups(context)).length
  const error = await failure(
    migrate(context, { direction: 'up' }, withMore(family, source('0002_bad', text))),
  )
  expect(error.code).toBe(code as never)
  expect(error.message).toContain('nothing was changed')
  expect(await listBackups(context)).toHaveLength(backups)
  expect(sql(context, 'SELECT count(*) AS n FROM children')).toEqual([{ n: 3 }])
  expect(readdirSync(dirname(context.path))).toEqual(['latchkey.db'])
})

test('a loss that the migration declares is allowed', async () => {
  const context = await scene()
  const declared = source(
    '0002_drop',
    '-- children are not needed any more\n-- loses: other, children\nDROP TABLE children;',
  )
  expect(await migrate(context, { direction: 'up' }, withMore(family, declared))).toMatchObject({
    to: latestVersion + 2,
  })
  const late = source('0003_late', 'DELETE FROM parents;\n-- loses: parents')
  expect((await failure(migrate(context, { direction: 'up' }, withMore(family, declared, late)))).code).toBe(
    'invalid',
  )
})

test('what fails on the database and not on the copy names the backup and changes nothing', async () => {
  const context = await scene()
  await migrate(context, { direction: 'up' }, withMore(family))
  // Another process holds the write lock for longer than a migration waits for it.
  const code = `
    import { Database as Client } from 'bun:sqlite'
    const client = (globalThis.kept = new Client(${JSON.stringify(context.path)}))
    client.run('BEGIN IMMEDIATE'); console.log('held'); await Bun.sleep(60_000)`
  const holder = Bun.spawn([process.execPath, '-e', code], { stdout: 'pipe' })
  await firstLine(holder.stdout)
  const error = await failure(migrate(context, { direction: 'up' }, withMore(family, rebuild)))
  holder.kill(9)
  await holder.exited
  expect(error.code).toBe('busy')
  const [backup] = await listBackups(context)
  expect(error.hint).toContain(backup!.id)
  expect(await schemaState(context, withMore(family, rebuild))).toMatchObject({ current: latestVersion + 1 })
}, 600_000)

test.each<[string, readonly MigrationSource[], (context: FileContext) => void, string]>([
  ['an applied step was edited', withMore(source(family.name, `${family.up}\n`), rebuild), () => {}, 'drift'],
  [
    'an applied step has another name',
    withMore({ ...family, name: '0001_other' }, rebuild),
    () => {},
    'drift',
  ],
  ['steps stand in another order', withMore(rebuild, family), () => {}, 'drift'],
  [
    'a step is missing from the history',
    withMore(family, rebuild),
    c => sql(c, 'DELETE FROM migrations WHERE version = 1'),
    'drift',
  ],
  [
    'the header and the history disagree',
    withMore(family, rebuild),
    c => sql(c, `PRAGMA user_version = ${latestVersion}`),
    'drift',
  ],
  ['the database is newer than the program', migrations, () => {}, 'schema_newer'],
])('when %s, nothing is migrated and the check says it', async (_, sources, spoil, code) => {
  const context = await scene()
  await migrate(context, { direction: 'up' }, withMore(family))
  spoil(context)
  for (const direction of ['up', 'down'] as const) {
    expect((await failure(migrate(context, { direction }, sources))).code).toBe(code as never)
  }
  const { ok, problems } = await checkSchema(context, sources)
  expect(ok).toBe(false)
  expect(problems.map(problem => problem.kind)).toContain('history')
})

test('the state tells applied, changed, pending and unknown steps apart', async () => {
  const context = await scene()
  await migrate(context, { direction: 'up' }, withMore(family))
  const states = async (sources: readonly MigrationSource[]) =>
    (await schemaState(context, sources)).migrations.slice(latestVersion).map(step => step.state)
  expect(await states(withMore(family, rebuild))).toEqual(['applied', 'pending'])
  expect(await states(withMore(rebuild))).toEqual(['changed'])
  expect(await states(migrations)).toEqual(['unknown'])
})

test('a step down says what it loses: in the plan, in the dry run and afterwards', async () => {
  const context = await scene()
  const tag = source(
    '0002_tag',
    'ALTER TABLE parents ADD tag TEXT;\n--> statement-breakpoint\nALTER TABLE parents ADD size INTEGER NOT NULL DEFAULT 0;',
    'ALTER TABLE parents DROP COLUMN tag;\n--> statement-breakpoint\nALTER TABLE parents DROP COLUMN size;',
  )
  const sources = withMore(family, tag)
  await migrate(context, { direction: 'up' }, sources)
  sql(context, "UPDATE parents SET tag = 'x', size = id - 1")
  const { steps: _, ...plan } = await planMigration(context, { to: latestVersion }, sources)
  expect(plan).toEqual({
    path: context.path,
    from: latestVersion + 2,
    to: latestVersion,
    lost: { parents: 2, children: 3 },
  })
  const one = { direction: 'down', steps: 1 } as const
  expect((await planMigration(context, one, sources)).lost).toEqual({ 'parents.tag': 2, 'parents.size': 1 })
  const down = { direction: 'down', to: latestVersion } as const
  expect((await migrate({ ...context, dryRun: true }, down, sources)).lost).toEqual({
    parents: 2,
    children: 3,
  })
  expect((await migrate(context, one, sources)).lost).toEqual({ 'parents.tag': 2, 'parents.size': 1 })
  expect((await migrate(context, down, sources)).lost).toEqual({ parents: 2, children: 3 })
})

test('the plan is the SQL that would run, in order, and changes nothing', async () => {
  const context = await scene()
  const sources = withMore(family, rebuild)
  const up = await planMigration(context, {}, sources)
  expect(up.steps.map(({ name, direction }) => [name, direction])).toEqual([
    ['0001_family', 'up'],
    ['0002_rebuild', 'up'],
  ])
  expect(up.steps[0]!.sql).toStartWith('CREATE TABLE parents')
  expect(up.steps[0]!.sql).not.toContain('statement-breakpoint')
  expect((await planMigration(context, { steps: 1 }, sources)).steps).toHaveLength(1)
  expect((await planMigration(context)).steps).toEqual([])
  const down = await planMigration(context, { to: latestVersion - 1 })
  expect(down.steps.map(({ version, direction }) => [version, direction])).toEqual([[latestVersion, 'down']])
  expect(await schemaState(context, sources)).toMatchObject({ current: latestVersion })
  expect(readdirSync(dirname(context.path))).toEqual(['latchkey.db'])
})

test('the history tells of every move of the schema, newest first, also what no audit row tells', async () => {
  const context = await scene()
  const sources = withMore(family)
  const up = await migrate(context, { direction: 'up' }, sources)
  const down = await migrate(context, { direction: 'down' }, sources)
  const moves = (await migrationHistory(context)).map(({ event, from, to, actor, backup }) => [
    event,
    from,
    to,
    actor,
    backup,
  ])
  expect(moves).toEqual([
    ['down', latestVersion + 1, latestVersion, 'tester', down.backup],
    ['up', latestVersion, latestVersion + 1, 'tester', up.backup],
    ['init', 0, latestVersion, 'tester', null],
  ])
  sql(context, 'DELETE FROM audit')
  const untold = await migrationHistory(context)
  expect(untold.map(({ event, to, actor, programVersion }) => [event, to, actor, programVersion])).toEqual(
    migrations.map(({ version }) => ['up', version, null, expect.any(String)]).toReversed() as never,
  )
})

test('the check finds every kind of trouble, orphans one by one', async () => {
  const context = await scene()
  sql(context, 'DROP INDEX keys_name')
  sql(context, 'CREATE TABLE stranger (x)')
  for (const slug of ['a', 'b']) {
    sql(
      context,
      `INSERT INTO projects (id, slug, name, owner_id, created_at, updated_at) VALUES ('prj_' || hex(randomblob(13)), '${slug}', 'A', 'usr_nobody', 0, 0)`,
    )
  }
  const { problems } = await checkSchema(context)
  expect(problems.filter(problem => problem.kind === 'schema').map(problem => problem.detail)).toEqual([
    'index keys_name is missing',
    'table stranger does not belong here',
  ])
  const orphans = problems.filter(problem => problem.kind === 'foreign_key').map(problem => problem.detail)
  expect(orphans).toEqual([
    expect.stringMatching(/^projects: id prj_\w+ points by owner_id at usr_nobody, which is not in users$/),
    expect.stringMatching(/^projects: id prj_/),
  ])
  expect(orphans[0]).not.toBe(orphans[1]!)
})

test('an orphan in a table without row numbers is named by its key, a secret never by its hash', async () => {
  const context = await scene()
  const hash = 'a'.repeat(64)
  sql(
    context,
    `INSERT INTO secrets (hash, key_id, start, created_at) VALUES ('${hash}', 'key_gone', 'lk_x', 0)`,
  )
  sql(context, "INSERT INTO project_members VALUES ('prj_gone', 'usr_gone', 'viewer', 0)")
  const { problems } = await checkSchema(context)
  expect(problems.map(problem => problem.detail).sort()).toEqual([
    'project_members: project_id prj_gone, user_id usr_gone points by project_id at prj_gone, which is not in projects',
    'project_members: project_id prj_gone, user_id usr_gone points by user_id at usr_gone, which is not in users',
    'secrets: a row points by key_id at key_gone, which is not in keys',
  ])
})

test.each<[string, object, string]>([
  ['a version that does not exist', { direction: 'up', to: latestVersion + 1 }, 'usage'],
  ['too many steps', { direction: 'down', steps: latestVersion + 1 }, 'usage'],
  ['up to an older version', { direction: 'up', to: 0 }, 'usage'],
  ['both a version and steps', { direction: 'up', to: 1, steps: 1 }, 'usage'],
  ['no whole number', { direction: 'up', to: 0.5 }, 'invalid'],
  ['no step', { direction: 'up', steps: 0 }, 'invalid'],
  ['no such direction', { direction: 'sideways' }, 'invalid'],
])('%s is refused', async (_, options, code) => {
  const context = await scene()
  expect((await failure(migrate(context, options as never))).code).toBe(code as never)
})

test('a step down waits for nobody: another process that has the database open stops it', async () => {
  const context = await scene()
  const code = `const { Database } = await import('bun:sqlite'); globalThis.kept = new Database(${JSON.stringify(context.path)})
    kept.query('SELECT 1 FROM users').get(); console.log('ready'); await Bun.sleep(60_000)`
  const child = Bun.spawn([process.execPath, '-e', code], { stdout: 'pipe' })
  try {
    await firstLine(child.stdout)
    const down = await migrate(context, { direction: 'down', steps: 1 }).catch(error => error)
    expect(down).toMatchObject({ code: 'busy', message: expect.stringContaining(`process ${child.pid}`) })
    expect(await listBackups(context)).toEqual([])
  } finally {
    child.kill(9)
    await child.exited
  }
  expect(await migrate(context, { direction: 'down', steps: 1 })).toMatchObject({ to: latestVersion - 1 })
})

test('of eight processes that migrate at once, one does it and the others find it done', async () => {
  const context = await scene()
  const client = openWriter(context.path)
  migrateTo(client, context.path, 0, { now: 0, programVersion: 'test' })
  client.close()
  const code = `
    import { migrate } from ${JSON.stringify(join(import.meta.dir, 'migrations.ts'))}
    const context = { ...${JSON.stringify(context)}, now: () => new Date() }
    await migrate(context, { direction: 'up' }).then(m => console.log(m.steps.length), e => console.log(e.code, e.message))`
  const outputs = await Promise.all(
    Array.from({ length: 8 }, () => new Response(Bun.spawn([process.execPath, '-e', code]).stdout).text()),
  )
  expect(outputs.map(text => text.trim()).sort()).toEqual(
    [...Array(7).fill('0'), String(latestVersion)].sort(),
  )
  expect(await listBackups(context)).toHaveLength(1)
  expect(await checkSchema(context)).toMatchObject({ ok: true })
}, 600_000)
