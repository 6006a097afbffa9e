/**
 * What Latchkey claims, on real processes and real files: machine-readable output, every way in which a database can
 * be unusable, pipes, and getting everything back. Every command of the tree takes part in each claim.
 */
import { Database } from 'bun:sqlite'
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { tree } from './cli/commands/tree.ts'
import { namedNouns } from './cli/reference/commands.ts'
import { errorSchema, jsonSchemaOf } from './cli/reference/schema.ts'
import { exitCodes } from './contract/errors.ts'
import { connectLatchkey } from './index.ts'
import { temporaryFolder } from './testing/folder.ts'
import { type Finished, program, spawnLatchkey } from './testing/process.ts'
import { run, testEnvironment } from './testing/run.ts'
import { schemaProblems } from './testing/schema.ts'
import { canStepDown, requirePresent, requireTool, stepDown } from './testing/tools.ts'
import { splitWords } from './testing/words.ts'

/** A test here runs up to fifty processes, perhaps on a busy machine. */
setDefaultTimeout(600_000)

/** A line for every command that succeeds on the prepared database. */
const lines: Record<string, string> = {
  init: 'init --db fresh.db',
  'user create': 'user create dora --email dora@example.org',
  'user list': 'user list',
  'user show': 'user show alice',
  'user update': 'user update bob --name Bob --role viewer',
  'user passwd': 'user passwd bob --password-file password.txt',
  'user disable': 'user disable bob',
  'user enable': 'user enable carol',
  'user delete': 'user delete bob --yes',
  'project create': 'project create Lab --owner alice',
  'project list': 'project list',
  'project show': 'project show shop',
  'project update': 'project update shop --description Shoes --add-member bob=viewer',
  'project archive': 'project archive shop',
  'project unarchive': 'project unarchive attic',
  'project delete': 'project delete empty --yes',
  'key create': 'key create new --user alice --limit tokens=100k/5h --expires 90d',
  'key list': 'key list',
  'key show': 'key show ci',
  'key update': 'key update ci --no-limit tokens --metadata {"a":1}',
  'key verify': 'key verify - --model gpt-x',
  'key explain': 'key explain ci --model gpt-x --tokens 5000',
  'key stats': 'key stats ci',
  'key rotate': 'key rotate ci --grace 24h',
  'key revoke': 'key revoke ci --reason leaked --yes',
  'key disable': 'key disable ci',
  'key enable': 'key enable off',
  'key delete': 'key delete ci --yes',
  'key identify': 'key identify',
  'key export': 'key export',
  'key import': 'key import keys.ndjson',
  'key limit add': 'key limit add ci requests=10/1d',
  'key limit list': 'key limit list ci',
  'key limit remove': 'key limit remove ci tokens/5h',
  'key reset': 'key reset ci',
  'user limit add': 'user limit add alice tokens=1M/1d',
  'user limit list': 'user limit list bob',
  'user limit remove': 'user limit remove bob tokens/1h',
  'user reset': 'user reset bob',
  'project limit add': 'project limit add shop usd=5/1d',
  'project limit list': 'project limit list shop',
  'project limit remove': 'project limit remove shop requests/1h',
  'project reset': 'project reset shop',
  'usage ingest': 'usage ingest events.ndjson',
  'usage price set': 'usage price set gpt-x --input 2.50 --output 10',
  'usage price list': 'usage price list',
  'usage price remove': 'usage price remove gpt-old',
  'usage compact': 'usage compact',
  'usage check': 'usage check',
  'usage record': 'usage record ci --model gpt-x --input-tokens 10 --output-tokens 2 --cost-usd 0.0004',
  'usage report': 'usage report --by key,day --since 7d',
  'import glm-proxy': 'import glm-proxy apikeys.json',
  'import ccluster': 'import ccluster ccluster.db',
  'import dokify': 'import dokify dokify',
  'import list': 'import list',
  // The id of the import is put there once it is made.
  'import undo': 'import undo',
  'migrate plan': 'migrate plan',
  'migrate history': 'migrate history',
  'backup show': 'backup show',
  'backup prune': 'backup prune --keep-last 1 --yes',
  'backup status': 'backup status',
  'backup schedule': "backup schedule --cron '17 3 * * *' --print",
  'backup unschedule': 'backup unschedule',
  'migrate status': 'migrate status',
  'migrate up': 'migrate up',
  'migrate down': 'migrate down --yes',
  'migrate check': 'migrate check',
  'backup create': 'backup create',
  'backup list': 'backup list',
  'backup verify': 'backup verify',
  restore: 'restore --latest --yes',
  serve: 'serve --listen 127.0.0.1:0',
  'audit list': 'audit list',
  'audit show': 'audit show',
  health: 'health',
  doctor: 'doctor',
  'db info': 'db info',
  'db check': 'db check',
  'db query': "db query 'SELECT 1 AS one'",
  'db studio': 'db studio --port 0',
  'db vacuum': 'db vacuum',
  'db optimize': 'db optimize',
  'config show': 'config show',
  'config get': 'config get db',
  'config set': 'config set tz UTC --here',
  'config unset': 'config unset tz --here',
  'config path': 'config path',
  'config profiles': 'config profiles',
  'config validate': 'config validate',
  schema: 'schema key list',
  man: 'man key create',
  'completion install': 'completion install fish --dir completions',
  'completion bash': 'completion bash',
  'completion zsh': 'completion zsh',
  'completion fish': 'completion fish',
  demo: 'demo',
  version: 'version',
}

/** With drizzle-kit, as in the project of a backend. */
const tools = `${join(import.meta.dir, '../node_modules/.bin')}:${process.env['PATH']}`

const commands = (await namedNouns(tree)).flatMap(noun => noun.commands)
const plainText = new Set(
  commands.filter(({ declaration }) => declaration.prints.form === 'text').map(({ path }) => path),
)
const printsJson = (path: string): boolean => !plainText.has(path)
const prepared = temporaryFolder()
let secret = ''

/** Somebody with a project and keys in every state, use of them, and a backup of it all. */
beforeAll(async () => {
  // Another user of the system has to get this far for the tests that run as one.
  chmodSync(prepared.path, 0o755)
  const latchkey = connectLatchkey({ path: prepared.file('data', 'latchkey.db') })
  await latchkey.initialize()
  const { users, projects, keys, usage } = latchkey
  for (const username of ['alice', 'bob', 'carol'])
    await users.create({ username, email: `${username}@example.org` })
  await users.update('bob', { limits: [{ metric: 'tokens', amount: 1_000, windowMs: 3_600_000 }] })
  await users.disable('carol')
  for (const name of ['Shop', 'Attic', 'Empty']) await projects.create({ name, owner: 'alice' })
  await projects.archive('attic')
  await projects.update('shop', { limits: [{ metric: 'requests', amount: 1_000, windowMs: 3_600_000 }] })
  await usage.prices.set('gpt-old', { inputUsd: 1, outputUsd: 2 })
  const limits = [
    { metric: 'tokens', amount: 100_000, windowMs: 18_000_000 },
    { metric: 'usd', amount: 20, windowMs: 2_592_000_000 },
  ] as const
  const created = await keys.create({
    name: 'ci',
    user: 'alice',
    project: 'shop',
    limits,
    metadata: { team: 'a' },
  })
  secret = created.secret ?? ''
  for (const name of ['off', 'gone'])
    await keys.create({ name, allowedModels: ['gpt-*'], scopes: ['chat:read'] })
  await keys.disable('off')
  await keys.revoke('gone', { reason: 'leaked' })
  await usage.record('ci', { model: 'gpt-x', inputTokens: 1_000, outputTokens: 200, costUsd: 0.02 })
  const past = { ...foreignKey, key: 'pk_of_the_past', name: 'Past' }
  const bytes = new TextEncoder().encode(JSON.stringify({ keys: [past] }))
  const { id } = await latchkey.imports.glmProxy({ file: 'past.json', bytes })
  lines['import undo'] = `import undo ${id} --yes`
  const [change] = await latchkey.audit.list({ limit: 1 })
  lines['audit show'] = `audit show ${change?.id}`
  await latchkey.backups.create()
  await latchkey.close()
  const ccluster = new Database(prepared.file('data', 'ccluster.db'))
  ccluster.run(
    'CREATE TABLE users (id TEXT PRIMARY KEY, username TEXT, password_hash TEXT, created_at TEXT, updated_at TEXT)',
  )
  ccluster.run(
    `CREATE TABLE api_keys (id TEXT PRIMARY KEY, user_id TEXT, key_hash TEXT, key_prefix TEXT, name TEXT,
      created_at TEXT, last_used_at TEXT, revoked_at TEXT)`,
  )
  ccluster.run("INSERT INTO users VALUES ('u1', 'grace', NULL, '2026-01-18', '2026-01-18')")
  ccluster.close()
  mkdirSync(prepared.file('data', 'dokify'))
  const at = Date.parse('2026-01-18T00:00:00Z')
  const somebody = { id: 'usr_0123456789abcdef', email: 'x@example.org', created_at: at, updated_at: at }
  writeFileSync(prepared.file('data', 'dokify', 'users.json'), JSON.stringify([somebody]))
  writeFileSync(prepared.file('data', 'password.txt'), 'correct horse battery staple\n')
  const event = { id: 'e1', key: 'ci', model: 'gpt-x', inputTokens: 5, outputTokens: 1, at: new Date() }
  writeFileSync(prepared.file('data', 'events.ndjson'), `${JSON.stringify(event)}\n`)
  const imported = { name: 'imported', hash: 'ab'.repeat(32), start: 'lk_abcdef', createdAt: new Date() }
  writeFileSync(prepared.file('data', 'keys.ndjson'), `${JSON.stringify(imported)}\n`)
  writeFileSync(prepared.file('data', 'apikeys.json'), JSON.stringify({ keys: [past, foreignKey] }))
})
afterAll(() => prepared.remove())

const foreignKey = {
  key: 'pk_test_of_somebody',
  name: 'Somebody',
  model: 'glm-4.7',
  token_limit_per_5h: 100_000,
  expiry_date: '2099-12-31T23:59:59Z',
  created_at: '2026-01-18T00:00:00Z',
  last_used: '2026-01-18T00:00:00Z',
  total_lifetime_tokens: 0,
  usage_windows: [],
}

test('every command takes part in what follows', () => {
  expect(
    commands.map(({ path }) => path).filter(path => !(path in lines)),
    'add a line for it above',
  ).toEqual([])
  expect(Object.keys(lines).filter(path => !commands.some(command => command.path === path))).toEqual([])
})

// --- Running -------------------------------------------------------------------------------------------------

interface Run {
  readonly path: string
  readonly folder: string
  readonly ran: Finished
  readonly before: Snapshot
  readonly after: () => Snapshot
}

/** Every file below a folder: its mode and a hash of its bytes. */
type Snapshot = Readonly<Record<string, string>>

interface Scene {
  /** How the words of a line are changed. */
  readonly words?: (words: readonly string[], path: string) => readonly string[]
  /** What is done to the folder, or to the database in it, before the run. */
  readonly spoil?: (db: string, folder: string) => void
  /** Also the command that reads a secret gets nothing; stdin is /dev/null for all others in any case. */
  readonly noSecret?: boolean
  /** As a user who may only read the folder. */
  readonly readOnly?: boolean
  /** With a umask that takes nothing away. */
  readonly openUmask?: boolean
  readonly only?: (path: string) => boolean
}

/** Runs each command once, on its own copy of the prepared folder, a few at a time. */
async function runEach<T>(scene: Scene, look: (run: Run) => T): Promise<readonly T[]> {
  const chosen = commands.filter(({ path }) => scene.only?.(path) ?? true)
  return inParallel(chosen, async ({ path }) => {
    using own = temporaryFolder()
    chmodSync(own.path, 0o755)
    const folder = own.file('data')
    cpSync(prepared.file('data'), folder, { recursive: true })
    scene.spoil?.(join(folder, 'latchkey.db'), folder)
    const line = splitLine(lines[path] ?? path)
    const words = scene.words ? scene.words(line, path) : line
    if (scene.readOnly) changeModes(folder, 0o555, 0o444)
    const before = snapshot(folder)
    const stdin = path === 'key verify' && !scene.noSecret ? secret : null
    const ran =
      scene.spoil && process.env['LATCHKEY_PROGRAM'] === undefined && !lasts(words)
        ? await within(words, folder, stdin)
        : await start(words, folder, stdin, [
            ...(scene.readOnly && process.getuid?.() === 0 ? stepDown : []),
            ...(scene.openUmask ? ['sh', '-c', 'umask 000; exec "$@"', 'sh'] : []),
          ])
    const found = look({ path, folder, ran, before, after: () => snapshot(folder) })
    if (scene.readOnly) changeModes(folder, 0o755, 0o644)
    return found
  })
}

/** Braces and quotes of the JSON in a line stay as they are. */
const splitLine = (line: string): readonly string[] => splitWords(line.replaceAll('"', '\\"'))

const withJson = (words: readonly string[]): readonly string[] => [...words, '--json']
const withoutYes = (words: readonly string[]): readonly string[] => words.filter(word => word !== '--yes')

/** Longer than this is a hang, however busy the machine is. */
const limitMs = 300_000

/** Whether it goes on until it is told to stop. */
const lasts = (words: readonly string[]): boolean => words[0] === 'serve' || words[1] === 'studio'

/** In this process: what a database is like is all that matters then, and a process costs ten times as much. */
async function within(words: readonly string[], cwd: string, stdin: string | null): Promise<Finished> {
  const env = { PATH: tools, LATCHKEY_TZ: 'UTC' }
  const ran = await run(words, { cwd, env, db: join(cwd, 'latchkey.db'), stdin: stdin ?? '' })
  return { ...ran, signal: null }
}

async function start(
  words: readonly string[],
  cwd: string,
  stdin: string | null,
  before: readonly string[] = [],
): Promise<Finished> {
  const child = Bun.spawn([...before, ...program, ...words], {
    cwd,
    env: { PATH: tools, ...testEnvironment({ LATCHKEY_TZ: 'UTC' }, join(cwd, 'latchkey.db')) },
    stdin: stdin === null ? 'ignore' : new Blob([stdin]),
    stdout: 'pipe',
    stderr: 'pipe',
    timeout: limitMs,
    killSignal: 'SIGKILL',
  })
  const talk = lasts(words) ? talkOfServer(child.stderr, () => child.kill('SIGTERM')) : child.stderr.text()
  const [out, err, code] = await Promise.all([child.stdout.text(), talk, child.exited])
  const signal = child.signalCode === null ? null : String(child.signalCode)
  return { code, signal, out, err, json: () => JSON.parse(out) }
}

/** What is said besides the log; what would go on is told to stop as soon as it has begun one. */
async function talkOfServer(stderr: ReadableStream<Uint8Array>, stop: () => void): Promise<string> {
  let said = ''
  for await (const chunk of stderr) {
    const wasListening = isListening(said)
    said += new TextDecoder().decode(chunk)
    // A second signal would not wait for it.
    if (!wasListening && isListening(said)) stop()
  }
  return said.replace(/^(\{"time":|A copy of the database).*\n/gm, '')
}

const isListening = (log: string): boolean =>
  log.includes('"event":"listening"') || log.includes('local.drizzle.studio')

const atOnce = 4

async function inParallel<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<readonly R[]> {
  const results: R[] = []
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < items.length) {
      const index = next++
      results[index] = await work(items[index]!)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  return results
}

function snapshot(folder: string): Snapshot {
  return Object.fromEntries(
    below(folder).map(name => {
      const stat = statSync(join(folder, name))
      const content = stat.isFile() ? Bun.hash(readFileSync(join(folder, name))).toString(16) : 'folder'
      return [name, `${(stat.mode & 0o777).toString(8)} ${content}`]
    }),
  )
}

const below = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()

function changeModes(folder: string, folders: number, files: number): void {
  for (const name of ['.', ...below(folder)]) {
    const path = join(folder, name)
    chmodSync(path, statSync(path).isDirectory() ? folders : files)
  }
}

/** All rows of all tables; the folder is thrown away afterwards, so that opening it here harms nothing. */
function tables(db: string): Readonly<Record<string, readonly unknown[]>> {
  const client = new Database(db)
  try {
    const names = client.query("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").all() as {
      name: string
    }[]
    return Object.fromEntries(
      names.map(({ name }) => [name, client.query(`SELECT * FROM "${name}"`).values()]),
    )
  } finally {
    client.close()
  }
}

// --- What a run may not do -----------------------------------------------------------------------------------

/** Problems of a failure: something on stdout, no next step, or a code that is not the process's own. */
function failureProblems(
  { ran }: Run,
  expected: { exit: number; codes?: readonly string[] },
  json: boolean,
): string[] {
  const problems: string[] = []
  if (ran.code !== expected.exit)
    problems.push(`exits ${ran.code}, not ${expected.exit}: ${ran.out}${ran.err}`)
  if (ran.out !== '') problems.push(`has something on stdout: ${ran.out.slice(0, 200)}`)
  if (!json) {
    if (!/^latchkey: .+\ntry: \S.*\n$/.test(ran.err)) problems.push(`does not say what to try: ${ran.err}`)
    return problems
  }
  const error = parsed(ran.err) as { error?: { code: string; exit: number; hint: string } } | undefined
  const wrong = schemaProblems(errorSchema, error)
  if (wrong.length > 0 || !error?.error) return [...problems, `prints no error object: ${wrong} ${ran.err}`]
  if (error.error.exit !== ran.code) problems.push(`says exit ${error.error.exit} and exits ${ran.code}`)
  if (error.error.hint === '') problems.push('gives no hint')
  if (expected.codes && !expected.codes.includes(error.error.code)) {
    problems.push(`is ${error.error.code}, not ${expected.codes.join(' or ')}`)
  }
  return problems
}

/** Problems of a result: not one JSON document, not what its schema says, or talk beyond what is allowed. */
function resultProblems({ path, ran }: Run, exit: number, talk = ''): string[] {
  const problems: string[] = []
  if (ran.code !== exit) problems.push(`exits ${ran.code}, not ${exit}: ${ran.err}`)
  if (ran.err !== talk) problems.push(`says on stderr: ${ran.err}`)
  const value = parsed(ran.out)
  if (value === undefined) return [...problems, `prints no JSON document: ${ran.out.slice(0, 200)}`]
  const declaration = commands.find(command => command.path === path)!.declaration
  return [...problems, ...schemaProblems(jsonSchemaOf(declaration) ?? {}, value)]
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const changes = (run: Run): string[] => {
  const after = run.after()
  const names = new Set([...Object.keys(run.before), ...Object.keys(after)])
  const changed = [...names].filter(name => run.before[name] !== after[name])
  return changed.map(name => `changed ${name}: ${run.before[name] ?? 'absent'} to ${after[name] ?? 'absent'}`)
}

/** `path: problem`, so that one list shows all that is wrong. */
const about = (path: string, problems: readonly string[]): readonly string[] =>
  problems.map(problem => `${path} ${problem}`)

// --- JSON ----------------------------------------------------------------------------------------------------

/** Run once for the two tests that look at it. */
const documents = memo(() =>
  runEach({ words: withJson, only: printsJson }, run => ({
    path: run.path,
    out: run.ran.out,
    problems: resultProblems(run, 0),
  })),
)

test('every command prints one JSON document that fits its schema, and nothing else, with nobody there', async () => {
  expect((await documents()).flatMap(({ path, problems }) => about(path, problems))).toEqual([])
})

requireTool('jq')('jq accepts what every command prints as one document', async () => {
  const problems = await inParallel(await documents(), async ({ path, out }) => {
    const jq = Bun.spawn(['jq', '-e', '-s', 'length == 1 and (.[0] | . == null | not)'], {
      stdin: new Blob([out]),
      stdout: 'pipe',
      stderr: 'pipe',
    })
    const said = await jq.stderr.text()
    return (await jq.exited) === 0 ? [] : [`${path}: ${said}`]
  })
  expect(problems.flat()).toEqual([])
})

function memo<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => {
    made ??= make()
    return made
  }
}

// --- Databases that cannot be used ---------------------------------------------------------------------------

/** What a run has to come to. */
type Outcome =
  /** An error, with nothing on stdout and nothing changed. */
  | { readonly error: number; readonly codes: readonly string[] }
  /** Its usual document under this exit code, with nothing changed. */
  | { readonly document: number }
  /** Its usual document and 0: what it is there to do, it did. */
  | { readonly done: true }

interface Unusable {
  readonly spoil?: (db: string, folder: string) => void
  readonly readOnly?: true
  /** What nearly every command comes to. */
  readonly usual: (effect: 'read' | 'write' | 'destroy') => Outcome
  readonly otherwise: Readonly<Record<string, Outcome>>
}

const document = (exit: number): Outcome => ({ document: exit })
const failed = (error: number, ...codes: string[]): Outcome => ({ error, codes })
const done: Outcome = { done: true }

/** These never look at the database; verifying notes its pass beside the backup. */
const indifferent = {
  demo: document(0),
  version: document(0),
  'config show': document(0),
  'config get': document(0),
  'config set': done,
  'config unset': document(0),
  'config path': document(0),
  'config profiles': document(0),
  'config validate': document(0),
  'completion install': done,
  schema: document(0),
  man: document(0),
  'backup list': document(0),
  'backup show': document(0),
  'backup prune': document(0),
  'backup status': document(0),
  'backup schedule': document(0),
  'backup unschedule': document(0),
  'backup verify': done,
}
/** Something is there, and init does not care what. */
const occupied = { init: failed(5, 'conflict') }
const isCorrupt = () => failed(7, 'corrupt')
/** A damaged database is what restore is for, and what the two checks report. */
const damaged = { ...indifferent, ...occupied, restore: done, health: document(7), doctor: document(7) }

const unusable: Readonly<Record<string, Unusable>> = {
  missing: {
    spoil: db => rmSync(db),
    usual: () => failed(78, 'database_missing'),
    otherwise: { ...indifferent, init: done, restore: done, doctor: document(1) },
  },
  'read-only': {
    readOnly: true,
    usual: effect => (effect === 'read' ? document(0) : failed(78, 'database_readonly', 'permission')),
    otherwise: {
      ...occupied,
      'config set': failed(78, 'config'),
      'config unset': document(0),
      // There is nothing to migrate, fold or mend, and no folder in which to note the pass.
      'migrate up': document(0),
      'usage compact': document(0),
      'usage check': document(0),
      'backup verify': document(0),
      // What is kept needs no writing, and the crontab lies elsewhere.
      'backup prune': document(0),
      'backup schedule': document(0),
      'backup unschedule': document(0),
      man: document(0),
      health: document(1),
      doctor: document(1),
    },
  },
  'full of garbage': {
    spoil: db => {
      const bytes = readFileSync(db)
      bytes.fill('garbage ', 4096, bytes.length - 4096)
      writeFileSync(db, bytes)
    },
    usual: isCorrupt,
    otherwise: { ...damaged, 'migrate check': document(7), 'db check': document(7) },
  },
  empty: { spoil: db => truncateSync(db, 0), usual: isCorrupt, otherwise: damaged },
  'cut short': {
    spoil: db => truncateSync(db, Math.floor(statSync(db).size / 2)),
    usual: isCorrupt,
    otherwise: damaged,
  },
  foreign: {
    spoil: strangersDatabase,
    usual: () => failed(78, 'database_foreign'),
    otherwise: { ...indifferent, ...occupied, health: document(1), doctor: document(1) },
  },
  newer: {
    spoil: db => alter(db, 'PRAGMA user_version = 1000'),
    usual: () => failed(78, 'schema_newer'),
    otherwise: {
      ...indifferent,
      ...occupied,
      // Looking, copying and going back are what is left to do with it.
      'migrate status': document(0),
      'migrate check': document(7),
      'migrate history': document(0),
      'db info': document(0),
      'db check': document(7),
      'db query': document(0),
      'db studio': document(0),
      'db vacuum': done,
      'db optimize': done,
      'backup create': done,
      restore: done,
      health: document(1),
      doctor: document(1),
    },
  },
}

/**
 * One that its program was killed over: what it wrote last is in the log alone, where a bit has flipped. To open it
 * would write what is in front of that into the file, and throw the rest away.
 */
function strangersDatabase(db: string): void {
  rmSync(db)
  const client = new Database(`${db}-live`)
  client.run('PRAGMA journal_mode = WAL')
  client.run('CREATE TABLE songs (title TEXT)')
  client.run('PRAGMA wal_checkpoint(TRUNCATE)')
  for (let n = 0; n < 5; n++) client.run(`INSERT INTO songs VALUES ('${n}')`)
  const log = readFileSync(`${db}-live-wal`)
  log[32 + 4120 * 2 + 500] = 7
  cpSync(`${db}-live`, db)
  writeFileSync(`${db}-wal`, log)
  client.close()
  rmSync(`${db}-live`)
}

function alter(db: string, sql: string): void {
  const client = new Database(db)
  client.run(sql)
  client.run('PRAGMA wal_checkpoint(TRUNCATE)')
  client.close()
}

function outcomeProblems(run: Run, outcome: Outcome): readonly string[] {
  if ('done' in outcome) return resultProblems(run, 0)
  const seen =
    'error' in outcome
      ? failureProblems(run, { exit: outcome.error, codes: outcome.codes }, true)
      : resultProblems(run, outcome.document)
  return [...seen, ...changes(run)]
}

/** Root may write anywhere, so it steps down. */
const runsAsNobody = process.getuid?.() !== 0 || canStepDown()

for (const [name, { spoil, readOnly, usual, otherwise }] of Object.entries(unusable)) {
  const unusableTest = readOnly
    ? requirePresent(runsAsNobody, 'a way to run the program as somebody else')
    : test
  unusableTest(`every command on a database that is ${name} says so and changes nothing`, async () => {
    const scene: Scene = {
      // Here init is asked for the very database.
      words: (words, path) => (path === 'init' ? ['init', '--json'] : withJson(words)),
      ...(spoil ? { spoil } : {}),
      ...(readOnly ? { readOnly } : {}),
      // Half a second of work that looks at no database: twice is enough.
      only: path => printsJson(path) && (path !== 'demo' || name === 'missing' || readOnly === true),
    }
    const problems = await runEach(scene, run => {
      const { effect } = commands.find(({ path }) => path === run.path)!.declaration
      return about(run.path, outcomeProblems(run, otherwise[run.path] ?? usual(effect)))
    })
    expect(problems.flat()).toEqual([])
  })
}

// --- Pipes and nobody there ----------------------------------------------------------------------------------

test('a reader who has seen enough ends a list of thousands without a word', async () => {
  using folder = temporaryFolder()
  const db = folder.file('latchkey.db')
  const latchkey = connectLatchkey({ path: db })
  await latchkey.initialize()
  await latchkey.keys.createMany({ name: 'batch' }, 2_000)
  await latchkey.close()
  const shell = Bun.spawn(
    ['bash', '-o', 'pipefail', '-c', '"$@" key list --json | head -c 1', 'bash', ...program],
    {
      env: {
        PATH: process.env['PATH'],
        ...testEnvironment({}, db),
      },
      stdout: 'pipe',
      stderr: 'pipe',
      timeout: limitMs,
    },
  )
  const [out, err, code] = await Promise.all([shell.stdout.text(), shell.stderr.text(), shell.exited])
  // With pipefail 0 is the exit code of both.
  expect({ out, err, code }).toEqual({ out: '[', err: '', code: 0 })
})

test('with nobody there a command that takes away refuses, and one that wants a secret says so', async () => {
  const effects = new Map(commands.map(({ path, declaration }) => [path, declaration.effect]))
  // All others have run above on an empty stdin.
  const scene: Scene = {
    noSecret: true,
    words: withoutYes,
    only: path => path === 'key verify' || effects.get(path) === 'destroy',
  }
  const problems = await runEach(scene, run => {
    const exit = run.path === 'key verify' ? 2 : 6
    return about(run.path, [...failureProblems(run, { exit }, false), ...changes(run)])
  })
  expect(problems.length).toBeGreaterThan(5)
  expect(problems.flat()).toEqual([])
})

test('without a single argument every command ends, and a failure says what to try', async () => {
  const scene: Scene = {
    noSecret: true,
    words: (_, path) => path.split(' '),
    // The others have no argument to leave out, and have run above.
    only: path => lines[path] !== path,
  }
  const problems = await runEach(scene, run => {
    const { args, effect, options } = commands.find(({ path }) => path === run.path)!.declaration
    const incomplete =
      Object.values(args).some(
        // Without the options that make do without it, it is needed.
        arg => typeof arg === 'string' || arg.unless || !['optional', 'any'].includes(arg.kind),
      ) || Object.values(options).some(option => option.required)
    if (incomplete || run.path === 'key verify')
      return about(run.path, failureProblems(run, { exit: 2 }, false))
    if (effect === 'destroy') return about(run.path, failureProblems(run, { exit: 6 }, false))
    // SHELL names none.
    if (run.path === 'completion install') return about(run.path, failureProblems(run, { exit: 2 }, false))
    if (run.path === 'init') return about(run.path, failureProblems(run, { exit: 5 }, false))
    // The port it takes when nothing is said may be somebody's.
    if (['serve', 'db studio'].includes(run.path) && run.ran.code === exitCodes.conflict) return []
    return run.ran.code === 0
      ? []
      : about(run.path, [`exits ${run.ran.code} ${run.ran.signal}: ${run.ran.err}`])
  })
  expect(problems.flat()).toEqual([])
})

test('every failure for people leaves stdout empty and says what to try', async () => {
  // How a failure looks is decided in one place: one command of each noun tells as much as all of them.
  const some = ['user show', 'project create', 'key list', 'usage record', 'import glm-proxy', 'migrate up']
  some.push('backup create', 'audit list', 'health')
  const scene: Scene = { spoil: db => rmSync(db), only: path => some.includes(path) }
  const problems = await runEach(scene, run => about(run.path, failureProblems(run, { exit: 78 }, false)))
  expect(problems).toHaveLength(some.length)
  expect(problems.flat()).toEqual([])
})

// --- The audit trail -----------------------------------------------------------------------------------------

/** What each command that writes leaves in the audit trail. */
const audited: Record<string, readonly string[]> = {
  'import ccluster': ['import.ccluster', 'user.import'],
  'import dokify': ['import.dokify', 'user.import'],
  'import glm-proxy': ['import.glm-proxy', 'key.import'],
  'import undo': ['import.undo', 'key.undo-import'],
  init: ['database.init'],
  'key create': ['key.create'],
  'key delete': ['key.delete'],
  'key disable': ['key.disable'],
  'key enable': ['key.enable'],
  'key import': ['import.keys', 'key.import'],
  'key limit add': ['key.limit-add'],
  'key limit remove': ['key.limit-remove'],
  'key reset': ['key.reset'],
  'key revoke': ['key.revoke'],
  'key rotate': ['key.rotate'],
  'key update': ['key.update'],
  'migrate down': ['database.migrate'],
  'project archive': ['project.archive'],
  'project create': ['project.create'],
  'project delete': ['project.delete'],
  'project limit add': ['project.limit-add'],
  'project limit remove': ['project.limit-remove'],
  'project reset': ['project.reset'],
  'project unarchive': ['project.unarchive'],
  'project update': ['project.update'],
  restore: ['database.restore'],
  'usage price remove': ['price.remove'],
  'usage price set': ['price.set'],
  'user create': ['user.create'],
  'user delete': ['user.delete'],
  'user disable': ['user.disable'],
  'user enable': ['user.enable'],
  'user limit add': ['user.limit-add'],
  'user limit remove': ['user.limit-remove'],
  'user passwd': ['user.passwd'],
  'user reset': ['user.reset'],
  'user update': ['user.update'],
}

/** Why others leave nothing there. */
const unaudited: Record<string, string> = {
  'backup create': 'changes no row; the manifest tells who made it',
  'backup prune': 'removes files beside the database',
  'backup schedule': 'changes what the system runs',
  'backup unschedule': 'changes what the system runs',
  'backup verify': 'writes into the manifest',
  'completion install': 'writes a file',
  'config set': 'writes a file',
  'config unset': 'writes a file',
  'db optimize': 'changes no row',
  'db vacuum': 'changes no row',
  man: 'writes files',
  'migrate up': 'is there already: see file/migrations.test.ts',
  serve: 'records usage, as gateways do',
  'usage check': 'finds nothing to repair: see usage/reconcile.test.ts',
  'usage compact': 'finds nothing to fold: see usage/compact.test.ts',
  'usage ingest': 'records usage, as gateways do',
  'usage record': 'records usage, as gateways do',
}

test('every command that writes leaves its rows in the audit trail', async () => {
  const known = new Set(auditRows(prepared.file('data', 'latchkey.db')).map(({ id }) => id))
  const writes = commands.filter(({ declaration }) => declaration.effect !== 'read').map(({ path }) => path)
  const found = await runEach({ only: path => writes.includes(path) }, ({ path, folder, ran }) => {
    const rows = auditRows(join(folder, path === 'init' ? 'fresh.db' : 'latchkey.db'))
    return [
      path,
      ran.code === 0
        ? [...new Set(rows.filter(({ id }) => !known.has(id)).map(({ action }) => action))].sort()
        : `exits ${ran.code}: ${ran.err}`,
    ]
  })
  const expected = [...Object.entries(audited), ...Object.keys(unaudited).map(path => [path, []])]
  expect(Object.fromEntries(found)).toEqual(Object.fromEntries(expected))
})

function auditRows(db: string): readonly { readonly id: string; readonly action: string }[] {
  const client = new Database(db)
  try {
    return client.query('SELECT id, action FROM audit').all() as { id: string; action: string }[]
  } finally {
    client.close()
  }
}

// --- What is made ----------------------------------------------------------------------------------------------

test('whatever the umask, no command makes a file or folder that others may write to, and secrets are private', async () => {
  const makes: Readonly<Record<string, string>> = {
    init: 'init --db new/folder/fresh.db',
    'backup create': 'backup create --to new/backups',
    'completion install': 'completion install fish --dir new/completions',
    man: 'man --dir new/pages',
    'key create': 'key create new --out secret.txt',
    'key rotate': 'key rotate ci --out secret.txt',
    'usage report': 'usage report --html page.html',
    'backup schedule': "backup schedule --cron '17 3 * * *' --systemd --print",
  }
  const open = ['new/completions', 'new/pages']
  const scene: Scene = {
    openUmask: true,
    words: (words, path) => (path in makes ? splitLine(makes[path]!) : words),
    only: path =>
      path === 'usage report' ||
      commands.find(command => command.path === path)!.declaration.effect !== 'read',
  }
  const problems = await runEach(scene, run => {
    const made = Object.entries(run.after()).filter(([name]) => !(name in run.before))
    return about(run.path, [
      ...(run.ran.code === 0 ? [] : [`exits ${run.ran.code}: ${run.ran.err}`]),
      ...(run.path in makes && made.length === 0 && !makes[run.path]!.endsWith('--print')
        ? ['makes nothing']
        : []),
      ...made.flatMap(([name, state]) => {
        const mode = Number.parseInt(state, 8)
        const isOpen = name === 'new' || open.some(folder => name.startsWith(folder))
        return mode & (isOpen ? 0o022 : 0o077) ? [`makes ${name} with mode ${mode.toString(8)}`] : []
      }),
    ])
  })
  expect(problems.length).toBeGreaterThan(20)
  expect(problems.flat()).toEqual([])
})

// --- Dry runs ------------------------------------------------------------------------------------------------

test('a dry run of every command prints the outcome and changes nothing', async () => {
  const reads = new Set(
    commands.filter(({ declaration }) => declaration.effect === 'read').map(({ path }) => path),
  )
  const scene: Scene = {
    words: words => [...withoutYes(words), '--dry-run', '--json'],
    only: path => !reads.has(path),
  }
  const rows = tables(copyOfPrepared())
  const problems = await runEach(scene, run => {
    const problems = resultProblems(run, 0, 'Dry run: nothing was changed.\n')
    for (const each of [parsed(run.ran.out) as object].flat()) {
      if (!('dryRun' in each && each.dryRun === true)) problems.push('does not say that it was a dry run')
    }
    return about(run.path, [...problems, ...changedRows(run, rows)])
  })
  expect(problems.length).toBeGreaterThan(20)
  expect(problems.flat()).toEqual([])
})

/** Only the database may differ in its bytes, and not in its rows. */
function changedRows(run: Run, rows: ReturnType<typeof tables>): readonly string[] {
  const now = tables(join(run.folder, 'latchkey.db'))
  return [
    ...changes(run).filter(change => !change.startsWith('changed latchkey.db:')),
    ...[...new Set([...Object.keys(rows), ...Object.keys(now)])]
      .filter(table => !Bun.deepEquals(rows[table], now[table]))
      .map(table => `changed the table ${table}`),
  ]
}

test('a dry run says what would be done, and not that it was', async () => {
  const others: Readonly<Record<string, string>> = {
    'backup schedule': "backup schedule --cron '17 3 * * *'",
    man: 'man --dir pages',
  }
  const scene: Scene = {
    words: (words, path) => [...(path in others ? splitLine(others[path]!) : withoutYes(words)), '--dry-run'],
    only: path => commands.find(command => command.path === path)!.declaration.effect !== 'read',
  }
  const rows = tables(copyOfPrepared())
  const problems = await runEach(scene, run => {
    const { code, out, err } = run.ran
    const problems = [...changedRows(run, rows)]
    if (code !== 0) problems.push(`exits ${code}: ${err}`)
    if (!err.endsWith('Dry run: nothing was changed.\n')) problems.push(`says on stderr: ${err}`)
    // Where all fits there is nothing to mend.
    if (!(run.path === 'usage check' ? /^The totals of/ : /^Would \w/).test(out))
      problems.push(`says: ${out}`)
    // The id of something that is not made is none.
    if (/ create$/.test(run.path) && /\b[a-z]{3}_[0-9a-z]{26}\b/.test(out))
      problems.push(`shows an id: ${out}`)
    return about(run.path, problems)
  })
  expect(problems.length).toBeGreaterThan(20)
  expect(problems.flat()).toEqual([])
})

function copyOfPrepared(): string {
  const copy = prepared.file('copy.db')
  cpSync(prepared.file('data', 'latchkey.db'), copy)
  return copy
}

// --- Losing everything and getting it back ---------------------------------------------------------------------

test('what was backed up comes back byte for byte, and every secret still works', async () => {
  using folder = temporaryFolder()
  const db = folder.file('latchkey.db')
  const latchkey = async (line: string, stdin = ''): Promise<Finished> => {
    const ran = await spawnLatchkey(line, { db, stdin, cwd: folder.path })
    expect(ran, `latchkey ${line}`).toMatchObject({ code: 0 })
    return ran
  }
  await latchkey('init')
  await latchkey('user create alice --email alice@example.org')
  await latchkey('user create nightly --service --role viewer')
  await latchkey('project create Shop --owner alice')
  const secrets: string[] = []
  for (const line of [
    'key create ci --user alice --project shop --expires 90d --limit tokens=100k/5h --limit usd=20/30d --json',
    'key create reader --scope chat:read --allow-model "gpt-*" --json',
    'key create worker --user nightly --metadata \'{"team":"ops","ünï":[1,null]}\' --json',
    'key rotate ci --grace 24h --json',
  ]) {
    secrets.push((await latchkey(line)).json<{ secret: string }>().secret)
  }
  await latchkey('usage record ci --model gpt-x --input-tokens 1000 --output-tokens 200 --cost-usd 0.0004')
  await latchkey('usage record worker --input-tokens 7 --at 2026-01-05T10:00:00Z')
  await latchkey('key disable reader')
  await latchkey('key enable reader')

  const views = ['key list', 'user list', 'project list', 'usage report --by key,day'].map(
    line => `${line} --json`,
  )
  const look = () => Promise.all(views.map(async line => (await latchkey(line)).out))
  const before = await look()
  await latchkey('backup create --compress zstd')
  for (const suffix of ['', '-wal', '-shm']) rmSync(db + suffix, { force: true })
  expect((await spawnLatchkey('key list', { db })).code).toBe(78)
  await latchkey('restore --latest --yes')

  expect(await look()).toEqual(before)
  for (const secret of secrets) {
    const verdict = (await latchkey('key verify - --model gpt-x --json', secret)).json()
    expect(verdict).toMatchObject({ valid: true, code: 'valid' })
  }
  expect((await latchkey('health --json')).json()).toMatchObject({
    status: expect.stringMatching(/ok|warning/),
  })
})

// --- Real data -------------------------------------------------------------------------------------------------

const real = join(import.meta.dir, '../../shared/real')
const realTest = requirePresent(existsSync(real), 'the folder of data that other programs wrote')

/** A new database beside a copy of what another program wrote. */
async function takeOver(source: string, file: string) {
  const folder = temporaryFolder()
  const db = folder.file('latchkey.db')
  cpSync(join(real, source), folder.file('source', source), { recursive: true })
  changeModes(folder.file('source'), 0o755, 0o644)
  const path = folder.file('source', file)
  const latchkey = (words: readonly string[], stdin = '') =>
    spawnLatchkey([...words, '--json'], { db, stdin, cwd: folder.path })
  expect(await latchkey(['init'])).toMatchObject({ code: 0 })
  const original = snapshot(folder.file('source'))
  const takeIn = async () => {
    const ran = await latchkey(['import', 'glm-proxy', path])
    expect(ran).toMatchObject({ code: 0, err: '' })
    expect(snapshot(folder.file('source')), 'the source is only read').toEqual(original)
    return ran.json<{ created: number; updated: number; unchanged: number; refused: number }>()
  }
  return { latchkey, takeIn, [Symbol.dispose]: () => folder.remove() }
}

realTest('keys of a real glm-proxy go on working where they stood', async () => {
  const file = 'glm-proxy.used-before-created.json'
  using scene = await takeOver(file, file)
  const { latchkey, takeIn } = scene
  expect(await takeIn()).toMatchObject({ created: 1, updated: 0, unchanged: 0, refused: 0 })

  const look = async () => ({
    keys: (await latchkey(['key', 'list'])).out,
    stats: (await latchkey(['key', 'stats', 'Example Test Key', '--at', '2026-01-18T00:00:00Z'])).out,
  })
  const before = await look()
  expect(JSON.parse(before.stats)).toMatchObject({ totals: { tokens: 902 } })
  const verdict = await latchkey(
    ['key', 'verify', '-', '--at', '2026-06-01T00:00:00Z'],
    'pk_test_example_key_12345',
  )
  expect(verdict).toMatchObject({ code: 0 })
  expect(verdict.json()).toMatchObject({ valid: true, code: 'valid', key: { name: 'Example Test Key' } })

  expect(await takeIn()).toMatchObject({ created: 0, updated: 0, unchanged: 1, refused: 0 })
  expect(await look()).toEqual(before)
})

realTest('a real SQLite database is taken over with what stands in its WAL', async () => {
  using scene = await takeOver('glm-proxy-sqlite', 'glm-proxy-sqlite/sqlite.db')
  const { latchkey, takeIn } = scene
  expect(await takeIn()).toMatchObject({ created: 2, refused: 0 })
  const before = (await latchkey(['key', 'list'])).out
  expect(JSON.parse(before)).toHaveLength(2)
  expect(await takeIn()).toMatchObject({ created: 0, updated: 0, unchanged: 2, refused: 0 })
  expect((await latchkey(['key', 'list'])).out).toBe(before)
})
