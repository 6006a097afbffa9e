/**
 * A line for every command, a Latchkey on which each succeeds, and a run of each on a copy. The tests in
 * `src/acceptance` use it for claims about every command of the tree. For tests only.
 */
import { Database } from 'bun:sqlite'
import { afterAll, beforeAll, setDefaultTimeout } from 'bun:test'
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { tree } from '../cli/commands/tree.ts'
import { namedNouns } from '../cli/reference/commands.ts'
import { errorSchema, jsonSchemaOf } from '../cli/reference/schema.ts'
import { isNoun, nounNames, nouns } from '../contract/nouns.ts'
import { connectLatchkey } from '../index.ts'
import { organisation } from '../seed/organisation.ts'
import { plant } from '../seed/plant.ts'
import { isServerUrl } from '../text/address.ts'
import { type TemporaryFolder, temporaryFolder } from './folder.ts'
import { program } from './process.ts'
import { run, testEnvironment } from './run.ts'
import { type Ended, inParallel, type Line, runElsewhere, runLines } from './run-lines.ts'
import { schemaProblems } from './schema.ts'
import { stepDown } from './tools.ts'
import { splitWords } from './words.ts'

const declaredLines: Readonly<Record<string, string>> = {
  init: 'init --db fresh.db',
  'user create': 'user create dora --email dora@example.org',
  'user update': 'user update bob --name Bob --role viewer',
  'user passwd': 'user passwd bob --password-file password.txt',
  'user check-password': 'user check-password alice --password-file password.txt',
  'user offboard': 'user offboard bob --disable --yes',
  'user export': 'user export alice',
  'user erase': 'user erase carol --yes',
  'user disable': 'user disable bob',
  'user enable': 'user enable carol',
  'user delete': 'user delete bob --yes',
  'project create': 'project create Lab --owner alice',
  'project update': 'project update shop --description Shoes --add-member bob=viewer',
  'project unarchive': 'project unarchive attic',
  'project delete': 'project delete empty --yes',
  'key create': 'key create new --user alice --limit tokens=100k/5h --expires 90d',
  'key update': 'key update ci --no-limit tokens --metadata {"a":1}',
  'key verify': 'key verify - --model gpt-x',
  'key explain': 'key explain ci --model gpt-x --tokens 5000',
  'key rotate': 'key rotate ci --grace 24h',
  'key revoke': 'key revoke ci --reason leaked --yes',
  'key enable': 'key enable off',
  'key delete': 'key delete ci --yes',
  'key identify': 'key identify',
  'key export': 'key export',
  'key import': 'key import keys.ndjson',
  'key limit set': 'key limit set ci requests=10/1d',
  'key limit list': 'key limit list ci',
  'key limit remove': 'key limit remove ci tokens/5h',
  'key reset': 'key reset ci',
  'user limit set': 'user limit set alice tokens=1M/1d',
  'user limit list': 'user limit list bob',
  'user limit remove': 'user limit remove bob tokens/1h',
  'user reset': 'user reset bob',
  'project limit set': 'project limit set shop usd=5/1d',
  'project limit list': 'project limit list shop',
  'project limit remove': 'project limit remove shop requests/1h',
  'project reset': 'project reset shop',
  'project member add': 'project member add shop erin --role viewer',
  'project member role': 'project member role shop frank admin',
  'project member list': 'project member list shop',
  'project member remove': 'project member remove shop frank',
  'project transfer': 'project transfer shop --to-org acme',
  'org member add': 'org member add acme erin --role admin',
  'org member list': 'org member list acme',
  'org member role': 'org member role acme bob viewer',
  'org member remove': 'org member remove acme bob',
  'org delete': 'org delete gone --yes',
  'team member add': 'team member add Backend bob',
  'team member list': 'team member list Backend',
  'team member remove': 'team member remove Backend alice',
  'invitation create': 'invitation create acme dan@example.org --role viewer',
  'invitation list': 'invitation list --org acme',
  'access check': 'access check alice project:write --project shop',
  'access list': 'access list alice',
  'project file list': 'project file list shop',
  'project file get': 'project file get shop docs/plan.md',
  'project file put': 'project file put shop password.txt password.txt',
  'project file mv': 'project file mv shop docs/plan.md plan.md',
  'project file rm': 'project file rm shop docs/plan.md --yes',
  'project file sync': 'project file sync shop dokify --delete --yes',
  'project file history': 'project file history shop',
  'project state show': 'project state show shop',
  'project state set': 'project state set shop --state generating',
  'project state reset': 'project state reset shop --yes',
  'project state phase add': 'project state phase add shop Cart',
  'project state phase complete': 'project state phase complete shop Layout',
  'project state file add': 'project state file add shop index.html',
  'project state message add': 'project state message add shop Hello',
  'project state message list': 'project state message list shop',
  'session list': 'session list --user alice',
  // Replaced by their ids after they were made.
  'session show': 'session show',
  'session revoke': 'session revoke --user alice --yes',
  'account list': 'account list',
  'account unlink': 'account unlink',
  'chat export': 'chat export Holiday',
  'chat prune': 'chat prune --user alice --yes',
  'usage ingest': 'usage ingest events.ndjson',
  'usage price set': 'usage price set gpt-x --input 2.50 --output 10',
  'usage price list': 'usage price list',
  'usage price import': 'usage price import --model claude-sonnet-4-5',
  'usage price remove': 'usage price remove gpt-old',
  'usage compact': 'usage compact',
  'usage check': 'usage check',
  'usage record': 'usage record ci --model gpt-x --input-tokens 10 --output-tokens 2 --cost-usd 0.0004',
  'usage report': 'usage report --by key,day --since 7d',
  'import glm-proxy': 'import glm-proxy apikeys.json',
  'import ccluster': 'import ccluster ccluster.db',
  'import dokify': 'import dokify dokify',
  'import better-auth': 'import better-auth auth.db',
  'import list': 'import list',
  'auth check': 'auth check',
  // Replaced by the id of the import after it was created.
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
  'audit export': 'audit export',
  'audit verify': 'audit verify',
  'audit prune': 'audit prune --older-than 1s --yes',
  health: 'health',
  doctor: 'doctor',
  'db info': 'db info',
  'db check': 'db check',
  'db query': "db query 'SELECT 1 AS one'",
  'db studio': 'db studio --port 0',
  'db copy': 'db copy latchkey.db copied.db',
  'db vacuum': 'db vacuum',
  'db optimize': 'db optimize',
  seed: 'seed --users 3 --orgs 2 --projects 2 --keys 3 --chats 2 --days 2 --force',
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

export const commands = (await namedNouns(tree)).flatMap(noun => noun.commands)
export const declarationOf = (path: string) => commands.find(command => command.path === path)!.declaration
export const printsJson = (path: string): boolean => declarationOf(path).prints.form !== 'text'
export const writes = (path: string): boolean => declarationOf(path).effect !== 'read'

const nounOf = (path: string): string => path.split(' ')[0] ?? ''

/** Other commands of a noun run the example in their help, on what the first example of `create` makes. */
const linesOfHelp = Object.fromEntries(
  commands
    .filter(({ path }) => isNoun(nounOf(path)))
    .map(({ path, declaration: { examples, effect } }) => {
      const example = examples[path.endsWith(' create') ? 1 : 0]
      return [
        path,
        `${example?.replace('latchkey ', '').replaceAll('"', "'")}${effect === 'destroy' ? ' --yes' : ''}`,
      ]
    }),
)

export interface Run {
  readonly path: string
  readonly folder: string
  readonly ran: Ended
  readonly before: Snapshot
  readonly after: () => Snapshot
}

/** Every file below a folder, with its mode and a hash of its bytes. */
type Snapshot = Readonly<Record<string, string>>

export interface Scene {
  /** Changes the words of a line. */
  readonly words?: (words: readonly string[], path: string) => readonly string[]
  /** Prepares the folder that each run gets a copy of, or the database in it. */
  readonly spoil?: (db: string, folder: string) => void
  /** Gives nothing even to the commands that read a secret. All others have an empty stdin anyway. */
  readonly noSecret?: boolean
  /** Run as a user who can only read the folder. */
  readonly readOnly?: boolean
  /** Run with a stdout on a full disk. */
  readonly fullStdout?: boolean
  /** Run with a umask of 0. */
  readonly openUmask?: boolean
  /** Run as separate processes with /dev/null as stdin. This takes ten times as long. */
  readonly asProcess?: (path: string) => boolean
  readonly only?: (path: string) => boolean
}

export interface EveryCommand {
  /** The folder that each run gets a copy of. Its database is `data/latchkey.db`. */
  readonly prepared: TemporaryFolder
  readonly lines: Readonly<Record<string, string>>
  /** Runs each command once, on its own copy of the prepared folder. */
  readonly runEach: <T>(scene: Scene, look: (run: Run) => T) => Promise<readonly T[]>
}

/** Creates the Latchkey before the tests of a file, and removes it afterwards. */
export function everyCommand(): EveryCommand {
  // A test may run a hundred processes on a busy machine.
  setDefaultTimeout(600_000)
  const prepared = temporaryFolder()
  const lines: Record<string, string> = { ...linesOfHelp, ...declaredLines }
  let secrets: Secrets = {}
  beforeAll(async () => {
    secrets = await prepare(prepared, lines, prepared.file('data', 'latchkey.db'))
  })
  afterAll(() => prepared.remove())

  async function runEach<T>(scene: Scene, look: (run: Run) => T): Promise<readonly T[]> {
    using own = temporaryFolder()
    chmodSync(own.path, 0o755)
    const chosen = commands.map(({ path }) => path).filter(path => scene.only?.(path) ?? true)
    const model = own.file('.model')
    cpSync(prepared.file('data'), model, { recursive: true })
    scene.spoil?.(join(model, 'latchkey.db'), model)
    let before: Snapshot | undefined
    const staged = chosen.map(path => {
      const folder = own.file(path.replaceAll(' ', '-'))
      cpSync(model, folder, { recursive: true })
      const line = splitLine(lines[path] ?? path)
      const words = scene.words ? scene.words(line, path) : line
      if (scene.readOnly) changeModes(folder, 0o555, 0o444)
      const stdin = scene.noSecret ? null : (secrets[path] ?? null)
      // All are copies of one, and none has run yet.
      before ??= snapshot(folder)
      return { path, words, folder, stdin, before }
    })
    const ran = await runAll(
      staged.map(({ path, words, folder, stdin }) => ({
        path,
        words,
        cwd: folder,
        env: environmentIn(folder),
        stdin,
        fullStdout: scene.fullStdout ?? false,
      })),
      scene,
    )
    const found = staged.map(({ path, folder, before }, index) =>
      look({ path, folder, ran: ran[index]!, before, after: () => snapshot(folder) }),
    )
    if (scene.readOnly) for (const { folder } of staged) changeModes(folder, 0o755, 0o644)
    return found
  }
  return { prepared, lines, runEach }
}

/** What a command reads from stdin, by its path. */
type Secrets = Readonly<Record<string, string>>

/**
 * A user with a project, keys in every state, usage, and a backup of it all if it is a file. Returns the secrets that commands
 * read from stdin.
 *
 * @param lines gets those that name what was made
 * @param db a path, or the URL of an empty database
 */
export async function prepare(
  prepared: TemporaryFolder,
  lines: Record<string, string>,
  db: string,
): Promise<Secrets> {
  // Other users of the system need access, for tests that run as one.
  chmodSync(prepared.path, 0o755)
  mkdirSync(prepared.file('data'), { recursive: true, mode: 0o700 })
  const latchkey = connectLatchkey({ path: db })
  await latchkey.initialize()
  const { users, projects, keys, usage } = latchkey
  const { users: people } = organisation(3)
  const planted = await plant(latchkey, { ...organisation(1), users: people })
  await users.update('bob', { limits: [{ metric: 'tokens', amount: 1_000, windowMs: 3_600_000 }] })
  await users.disable('carol')
  for (const name of ['Attic', 'Empty']) await projects.create({ name, owner: 'alice' })
  await projects.archive('attic')
  await projects.update('shop', { limits: [{ metric: 'requests', amount: 1_000, windowMs: 3_600_000 }] })
  await latchkey.files.put('shop', 'docs/plan.md', '# Plan')
  await latchkey.agents.addPhase('shop', { name: 'Layout' })
  await latchkey.agents.addMessage('shop', { role: 'user', content: 'Make the header blue' })
  await usage.prices.set('gpt-old', { inputUsd: 1, outputUsd: 2 })
  await keys.update('ci', { metadata: { team: 'a' } })
  for (const name of ['off', 'gone'])
    await keys.create({ name, allowedModels: ['gpt-*'], scopes: ['chat:read'] })
  await keys.disable('off')
  await keys.revoke('gone', { reason: 'leaked' })
  const past = { ...foreignKey, key: 'pk_of_the_past', name: 'Past' }
  const bytes = new TextEncoder().encode(JSON.stringify({ keys: [past] }))
  const { id } = await latchkey.imports.glmProxy({ file: 'past.json', bytes })
  lines['import undo'] = `import undo ${id} --yes`
  const [change] = await latchkey.audit.list({ limit: 1 })
  lines['audit show'] = `audit show ${change?.id}`
  await latchkey.users.setPassword('alice', 'correct horse battery staple')
  const session = await latchkey.sessions.create({ user: 'alice', userAgent: 'curl/8' })
  lines['session show'] = `session show ${session.id}`
  const [account] = (await latchkey.accounts.list()).accounts
  lines['account unlink'] = `account unlink ${account?.id} --force --yes`
  for (const noun of nounNames) {
    const listed = await latchkey[nouns[noun].plural].list()
    const there: readonly object[] = Array.isArray(listed) ? listed : Reflect.get(listed, nouns[noun].plural)
    // Built-in roles are in every database.
    if (there.some(each => Reflect.get(each, 'builtIn') !== true)) continue
    const [example = ''] = declarationOf(`${noun} create`).examples
    await run(example.replace('latchkey ', ''), { db })
  }
  const { organizations, invitations, teams, limits } = latchkey
  await users.create({ username: 'erin', email: 'erin@example.org' })
  await users.create({ username: 'frank', email: 'frank@example.org' })
  await projects.members.add('shop', 'frank')
  for (const user of ['bob', 'frank']) await organizations.members.add('acme', user)
  await teams.members.add('Backend', 'alice')
  for (const limited of [{ org: 'acme' }, { team: 'Backend' }])
    await limits.set(limited, [{ metric: 'tokens', amount: 1_000, windowMs: 18_000_000 }])
  const { token } = await invitations.create({ org: 'acme', email: 'erin@example.org' })
  const other = await invitations.create({ org: 'acme', email: 'other@example.org' })
  lines['invitation accept'] = 'invitation accept - --user erin'
  lines['invitation cancel'] = `invitation cancel ${other.id}`
  await organizations.create({ name: 'Gone', owner: 'alice' })
  if (!isServerUrl(db)) await latchkey.backups.create()
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
  const auth = new Database(prepared.file('data', 'auth.db'))
  auth.run('CREATE TABLE "user" (id TEXT PRIMARY KEY, name TEXT, email TEXT, "emailVerified" INTEGER)')
  auth.run("INSERT INTO \"user\" VALUES ('u1', 'Ivy', 'ivy@example.org', 1)")
  auth.close()
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
  return { 'key verify': planted.get('ci')?.secret ?? '', 'invitation accept': token }
}

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

/** Splits a line into words. Braces and quotes of JSON stay. */
export const splitLine = (line: string): readonly string[] => splitWords(line.replaceAll('"', '\\"'))

export const withJson = (words: readonly string[]): readonly string[] => [...words, '--json']
export const withoutYes = (words: readonly string[]): readonly string[] =>
  words.filter(word => word !== '--yes')

// --- Running -------------------------------------------------------------------------------------------------

/** PATH with drizzle-kit, as in the project of a backend. */
const tools = `${join(import.meta.dir, '../../node_modules/.bin')}:${process.env['PATH']}`

/** The home does not exist yet, and is outside the folder that is compared. */
const environmentIn = (folder: string) => ({
  PATH: tools,
  ...testEnvironment({ LATCHKEY_TZ: 'UTC', HOME: `${folder}-home` }, join(folder, 'latchkey.db')),
})

/** Longer is a hang, even on a busy machine. */
export const limitMs = 300_000

/** Whether it runs until it is told to stop. */
const lasts = (words: readonly string[]): boolean => words[0] === 'serve' || words[1] === 'studio'

type Staged = Line & { readonly path: string }

/** In this process if nothing is claimed about processes, unless the compiled program is tested. */
async function runAll(lines: readonly Staged[], scene: Scene): Promise<readonly Ended[]> {
  const before = [
    ...(scene.readOnly && process.getuid?.() === 0 ? stepDown : []),
    ...(scene.openUmask ? ['sh', '-c', 'umask 000; exec "$@"', 'sh'] : []),
  ]
  const apart = ({ path, words }: Staged): boolean =>
    scene.asProcess?.(path) || process.env['LATCHKEY_PROGRAM'] !== undefined || lasts(words)
  const together = lines.filter(line => !apart(line))
  const ended = await Promise.all([
    inParallel(lines.filter(apart), line => start(line, before)),
    before.length === 0 ? runLines(together) : runElsewhere(together, before),
  ])
  const [processes, others] = ended.map(each => each.values())
  return lines.map(line => (apart(line) ? processes : others)!.next().value!)
}

async function start(
  { words, cwd, env, stdin, fullStdout }: Line,
  before: readonly string[],
): Promise<Ended> {
  const full = fullStdout ? ['sh', '-c', '"$@" >/dev/full', 'sh'] : []
  const child = Bun.spawn([...before, ...full, ...program, ...words], {
    cwd,
    env,
    stdin: stdin === null ? 'ignore' : new Blob([stdin]),
    stdout: 'pipe',
    stderr: 'pipe',
    timeout: limitMs,
    killSignal: 'SIGKILL',
  })
  const talk = lasts(words) ? talkOfServer(child.stderr, () => child.kill('SIGTERM')) : child.stderr.text()
  const [out, err, code] = await Promise.all([child.stdout.text(), talk, child.exited])
  return { code, signal: child.signalCode === null ? null : String(child.signalCode), out, err }
}

/** The output besides the log. A command that would run on is told to stop once its log begins. */
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

export function snapshot(folder: string): Snapshot {
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

export function changeModes(folder: string, folders: number, files: number): void {
  for (const name of ['.', ...below(folder)]) {
    const path = join(folder, name)
    chmodSync(path, statSync(path).isDirectory() ? folders : files)
  }
}

/** All rows of all tables. The folder is discarded afterwards, so opening the database does no harm. */
export function tables(db: string): Readonly<Record<string, readonly unknown[]>> {
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

/** Problems of a failure: output on stdout, no next step, or a code that differs from that of the process. */
export function failureProblems(
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

/** Problems of a result: not one JSON document, not valid against its schema, or messages beyond those allowed. */
export function resultProblems({ path, ran }: Run, exit: number, talk = ''): string[] {
  const problems: string[] = []
  if (ran.code !== exit) problems.push(`exits ${ran.code}, not ${exit}: ${ran.err}`)
  if (ran.err !== talk) problems.push(`says on stderr: ${ran.err}`)
  const value = parsed(ran.out)
  if (value === undefined) return [...problems, `prints no JSON document: ${ran.out.slice(0, 200)}`]
  return [...problems, ...schemaProblems(jsonSchemaOf(declarationOf(path)) ?? {}, value)]
}

export function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

export const changes = (run: Run): string[] => {
  const after = run.after()
  const names = new Set([...Object.keys(run.before), ...Object.keys(after)])
  const changed = [...names].filter(name => run.before[name] !== after[name])
  return changed.map(name => `changed ${name}: ${run.before[name] ?? 'absent'} to ${after[name] ?? 'absent'}`)
}

/** `path: problem`, so that one list shows all problems. */
export const about = (path: string, problems: readonly string[]): readonly string[] =>
  problems.map(problem => `${path} ${problem}`)
