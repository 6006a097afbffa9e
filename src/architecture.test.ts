/** Boundaries of the house, held by reading every import of every file, static and dynamic. */
import { expect, test } from 'bun:test'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'

const root = join(import.meta.dir, '..')

interface Import {
  readonly from: string
  /** A path from the root of the project, or the name of a package. */
  readonly to: string
  readonly kind: 'static' | 'dynamic' | 'type'
}

const sources = ['bin', 'src'].flatMap(folder =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .map(file => join(folder, file))
    .filter(file => file.endsWith('.ts') && !file.endsWith('.d.ts')),
)
const isTest = (file: string) => file.endsWith('.test.ts') || file.startsWith('src/testing/')
const production = sources.filter(file => !isTest(file))
/** The code of a file without its shebang and comments. */
const text = (file: string) =>
  readFileSync(join(root, file), 'utf8')
    .replace(/^#!.*/, '')
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/^\s*\/\/.*$/gm, '')
const imports = production.flatMap(importsOf)

/** What a file needs; a static import that only brings types is gone once compiled. */
function importsOf(file: string): readonly Import[] {
  const code = text(file)
  const found: Import[] = []
  const add = (to: string, kind: Import['kind']) => {
    found.push({
      from: file,
      to: to.startsWith('.') ? relative(root, resolve(root, dirname(file), to)) : to,
      kind,
    })
  }
  for (const [, clause = '', to = ''] of code.matchAll(
    /^(?:import|export)\s([^'"`;]*?from\s*)?'([^']+)'/gm,
  )) {
    const names = /\{([\s\S]*)\}/.exec(clause)?.[1]
    const onlyTypes =
      clause.startsWith('type ') || names?.split(',').every(name => /^\s*(type\s|$)/.test(name)) === true
    add(to, onlyTypes ? 'type' : 'static')
  }
  for (const [, to = ''] of code.matchAll(/\bimport\(\s*'([^']+)'\s*\)/g)) add(to, 'dynamic')
  return found
}

const violations = (rule: (each: Import) => boolean) =>
  imports.filter(rule).map(({ from, to }) => `${from} imports ${to}`)
const within = (file: string, ...folders: string[]) =>
  folders.some(folder => file === folder || file.startsWith(`${folder}/`))
const isPackage = (to: string) => !within(to, 'src', 'bin', 'drizzle', 'package.json')

test('every import that a regular expression sees is one that the transpiler sees', () => {
  const transpiler = new Bun.Transpiler({ loader: 'ts' })
  for (const file of production) {
    const seen = new Set(
      importsOf(file)
        .filter(each => each.kind !== 'type')
        .map(each => each.to),
    )
    for (const { path } of transpiler.scanImports(text(file))) {
      const to = path.startsWith('.') ? relative(root, resolve(root, dirname(file), path)) : path
      expect([...seen], `${file} imports ${path}`).toContain(to)
    }
  }
})

/** Each layer, and the layers of the house that it may know of. */
const layers: readonly (readonly [string, readonly string[]])[] = [
  ['src/text', ['src/text']],
  ['src/contract', ['src/contract']],
  ['src/system', ['src/system', 'src/contract', 'src/text', 'package.json']],
  ['src/db', ['src/db', 'src/contract', 'src/text', 'src/system', 'drizzle']],
  ['src/formats', ['src/formats', 'src/contract', 'src/db', 'src/text', 'src/system']],
  ['src/operations', ['src/operations', 'src/formats', 'src/db', 'src/contract', 'src/text', 'src/system']],
  ['src/library', ['src/library', 'src/operations', 'src/formats', 'src/contract']],
  ['src/server', ['src/server', 'src/contract', 'src/index.ts', 'src/text', 'src/system']],
  ['src/seed', ['src/seed', 'src/contract', 'src/index.ts']],
  [
    'src/cli',
    ['src/cli', 'src/seed', 'src/server', 'src/contract', 'src/index.ts', 'src/text', 'src/system'],
  ],
  ['src/index.ts', ['src/library', 'src/operations', 'src/contract', 'src/text', 'src/system']],
  ['src/better-auth.ts', ['src/library', 'src/operations', 'src/db']],
  ['src/main.ts', ['src/cli', 'src/contract', 'src/index.ts', 'src/system']],
  ['bin', ['bin', 'src/main.ts', 'src/cli/terminal', 'src/system', 'package.json']],
]

test.each(layers)('%s imports only what lies below it', (layer, allowed) => {
  expect(
    violations(({ from, to }) => within(from, layer) && !isPackage(to) && !within(to, ...allowed)),
  ).toEqual([])
})

/** The folders of the command line, each with those below it. What a folder imports lies in one of these. */
const cliFolders: Readonly<Record<string, readonly string[]>> = {
  settings: ['declare/parse.ts'],
  terminal: [],
  declare: ['settings', 'terminal'],
  line: ['declare', 'settings', 'terminal', 'draw/progress.ts', 'draw/present.ts'],
  draw: ['declare', 'settings', 'terminal'],
  completion: ['declare', 'line', 'settings', 'terminal', 'run/connect.ts', 'commands/tree.ts'],
  reference: ['declare', 'line', 'settings', 'terminal', 'draw', 'commands/tree.ts'],
  commands: ['declare', 'line/walk.ts', 'draw', 'settings', 'terminal', 'completion', 'reference'],
  run: ['declare', 'line', 'draw', 'settings', 'terminal', 'commands/tree.ts'],
  ask: ['declare', 'line', 'draw', 'settings', 'terminal', 'run', 'completion/scripts.ts'],
}

test.each(Object.entries(cliFolders))('src/cli/%s imports only what lies below it', (folder, below) => {
  const allowed = [folder, ...below].map(each => `src/cli/${each}`)
  expect(
    violations(
      ({ from, to }) => within(from, `src/cli/${folder}`) && within(to, 'src/cli') && !within(to, ...allowed),
    ),
  ).toEqual([])
})

test('no file of the command line, and none of the sources but the doors, lies loose', () => {
  const loose = production.filter(file => /^src\/(cli\/)?[^/]+\.ts$/.test(file))
  expect(loose.sort()).toEqual(['src/better-auth.ts', 'src/index.ts', 'src/main.ts'])
  const folders = new Set(production.flatMap(file => /^src\/cli\/([^/]+)\//.exec(file)?.[1] ?? []))
  expect([...folders].sort()).toEqual(Object.keys(cliFolders).sort())
})

test('no file leads back to itself, whether by types, by values or late', () => {
  expect(circles()).toEqual([])
})

/** The files of each import circle, by Tarjan's algorithm for strongly connected components. */
function circles(): readonly (readonly string[])[] {
  const found: string[][] = []
  const order = new Map<string, number>()
  const lowest = new Map<string, number>()
  const path: string[] = []
  const visit = (file: string): number => {
    order.set(file, order.size)
    lowest.set(file, order.get(file) ?? 0)
    path.push(file)
    for (const { to } of imports.filter(({ from, to }) => from === file && production.includes(to))) {
      const reached = order.has(to) ? (path.includes(to) ? order.get(to) : undefined) : visit(to)
      lowest.set(file, Math.min(lowest.get(file) ?? 0, reached ?? Number.POSITIVE_INFINITY))
    }
    if (lowest.get(file) === order.get(file)) {
      const circle = path.splice(path.indexOf(file))
      if (circle.length > 1) found.push(circle)
    }
    return lowest.get(file) ?? 0
  }
  for (const file of production) if (!order.has(file)) visit(file)
  return found
}

test('every file belongs to a layer', () => {
  const known = layers.map(([layer]) => layer)
  expect(production.filter(file => !within(file, ...known))).toEqual([])
})

test('the contract imports no package', () => {
  expect(violations(({ from, to }) => within(from, 'src/contract') && isPackage(to))).toEqual([])
})

test('operations know no console, no process, no command line', () => {
  expect(
    violations(
      ({ from, to }) => within(from, 'src/operations') && /^(commander|chalk|inquirer|cli-table3)/.test(to),
    ),
  ).toEqual([])
  const talkers = production
    .filter(file => within(file, 'src/operations', 'src/contract', 'src/formats'))
    .filter(file => /\bconsole\.|\bprocess\.(?!pid\b)/.test(text(file)))
  expect(talkers).toEqual([])
})

/** Packages that one place alone may import. */
const owners: readonly (readonly [RegExp, readonly string[]])[] = [
  [/^commander$/, ['src/cli/line/program.ts']],
  [/^(cli-table3|chalk)$/, ['src/cli/draw/table.ts']],
  [/^(inquirer|@inquirer\/.*)$/, ['src/cli/terminal/prompt.ts']],
  [/^bun:sqlite$/, ['src/db/sqlite']],
  [/^node:sqlite$/, ['src/db/sqlite/copy.ts', 'src/db/sqlite/untrusted.ts']],
  [/^drizzle-orm(\/|$)/, ['src/db']],
  [/^valibot$/, ['src/operations', 'src/formats', 'src/server']],
]

test.each(owners)('%p is imported by %p alone', (name, places) => {
  expect(violations(({ from, to }) => name.test(to) && !within(from, ...places))).toEqual([])
})

const knowsSqlite = (file: string) =>
  within(file, 'src/db/sqlite', 'src/operations/file', 'src/operations/postgres/files')

test('SQLite is known where its engine and its files are; elsewhere it is opened, once', () => {
  expect(
    violations(
      ({ from, to }) => !knowsSqlite(from) && (/^(bun|node):sqlite$/.test(to) || within(to, 'src/db/sqlite')),
    ),
  ).toEqual(['src/operations/index.ts imports src/db/sqlite/transaction.ts'])
})

test('PostgreSQL is loaded for its URLs alone', () => {
  const known = ['src/db/postgres', 'src/operations/postgres']
  const loaders = imports.filter(({ from, to }) => !within(from, ...known) && within(to, ...known))
  expect(loaders.filter(({ kind }) => kind === 'static')).toEqual([])
  expect(new Set(loaders.filter(({ kind }) => kind === 'dynamic').map(({ from }) => from))).toEqual(
    new Set(['src/operations/index.ts']),
  )
})

test('nothing else speaks as only SQLite does', () => {
  const words =
    /PRAGMA|\bSQLITE_|\bGLOB\b|\bjson_(each|valid|type)\b|\browid\b|\bsqlite_(schema|master)\b|\b(instr|total)\(\$/
  expect(production.filter(file => !knowsSqlite(file) && words.test(text(file)))).toEqual([])
})

test("drizzle's front doors, which load all that it can do, stay shut", () => {
  expect(violations(({ to }) => /^drizzle-orm(\/[a-z-]+)?$/.test(to))).toEqual([])
})

test('the server is started by its command alone, and knows no process', () => {
  const starters = imports.filter(
    ({ from, to, kind }) => within(to, 'src/server') && kind !== 'type' && !within(from, 'src/server'),
  )
  expect(new Set(starters.map(({ from }) => from))).toEqual(new Set(['src/cli/commands/serve/listen.ts']))
  expect(
    violations(({ to, kind }) => to === 'src/cli/commands/serve/listen.ts' && kind === 'static'),
  ).toEqual([])
  const talkers = production.filter(file => within(file, 'src/server'))
  expect(talkers.filter(file => /\bprocess\.|\bconsole\./.test(text(file)))).toEqual([])
})

test('what draws for people is loaded only when it draws', () => {
  expect(violations(({ to, kind }) => /^(cli-table3|chalk|inquirer)$/.test(to) && kind === 'static')).toEqual(
    [],
  )
})

const commandFiles = production.filter(
  file => within(file, 'src/cli/commands') && /export default (command|thing)\(/.test(text(file)),
)

test('a command file is a declaration: it knows its vocabulary, its neighbours and the contract', () => {
  const known = [
    'src/cli',
    'src/contract',
    'src/text/quantity.ts',
    'src/text/series.ts',
    'src/text/shell-word.ts',
  ]
  expect(
    violations(({ from, to }) => commandFiles.includes(from) && (isPackage(to) || !within(to, ...known))),
  ).toEqual([])
  expect(commandFiles.length).toBeGreaterThan(80)
  const talkers = production.filter(file => within(file, 'src/cli/commands'))
  expect(talkers.filter(file => /\bprocess\.(?!execPath\b)|\bconsole\./.test(text(file)))).toEqual([])
})

test('a command file has at most 70 lines', () => {
  expect(commandFiles.filter(file => text(file).split('\n').length > 70)).toEqual([])
})

/** Files and packages that are loaded with these files, themselves included. */
function loadedWith(...files: readonly string[]): ReadonlySet<string> {
  expect(files.filter(file => !production.includes(file))).toEqual([])
  const reached = new Set<string>()
  const visit = (file: string) => {
    if (reached.has(file)) return
    reached.add(file)
    for (const each of imports) if (each.from === file && each.kind === 'static') visit(each.to)
  }
  for (const file of files) visit(file)
  return reached
}

test('the program starts without the database, the operations, prompts or tables', () => {
  const reached = loadedWith('src/main.ts')
  expect(reached.size).toBeGreaterThan(10)
  const heavy = [...reached].filter(
    file =>
      /^(drizzle-orm|inquirer|cli-table3|chalk|valibot|bun:sqlite)/.test(file) ||
      (within(file, 'src/db', 'src/operations', 'src/index.ts', 'src/server', 'src/cli/commands') &&
        file !== 'src/cli/commands/tree.ts'),
  )
  expect(heavy).toEqual([])
})

test('a command loads the operation that it runs, and no other', () => {
  const reached = [
    ...loadedWith(
      'bin/latchkey.ts',
      'bin/streams.ts',
      'src/main.ts',
      'src/cli/commands/key/list.ts',
      'src/index.ts',
      'src/operations/keys/list.ts',
    ),
  ]
  // Each of Node's costs a millisecond or more, and most of them bring others: node:tty three, node:zlib six.
  expect(reached.filter(isPackage).sort()).toEqual(['bun:sqlite', 'commander', 'node:fs', 'node:path'])
  expect(
    reached.filter(file =>
      within(
        file,
        'src/formats',
        'src/db/sqlite/migrate.ts',
        'src/operations/file/backup/places/locate.ts',
        'src/operations/file/backup/create.ts',
        'src/operations/import',
        'src/operations/people/users.ts',
        'src/operations/people/projects.ts',
        'src/operations/keys/create.ts',
        'src/operations/keys/import.ts',
        'src/operations/usage/ingest.ts',
        'src/operations/usage/report.ts',
      ),
    ),
  ).toEqual([])
})

test('the operations are loaded one by one', () => {
  const eager = imports.filter(({ from, kind }) => from === 'src/operations/index.ts' && kind === 'static')
  expect(eager.map(({ to }) => to).sort()).toEqual([
    'src/db/late-store.ts',
    'src/db/sqlite/transaction.ts',
    'src/operations/instead.ts',
    'src/operations/late.ts',
    'src/system/scheduled.ts',
    'src/text/address.ts',
  ])
})

test('what a gateway loads before it begins is all that its operations could ask for later', () => {
  const late = imports.filter(({ to, kind }) => within(to, 'src/operations', 'src/db') && kind === 'dynamic')
  const bound = text('src/operations/index.ts').matchAll(/late\.from\([\s\S]*?import\('\.\/([^']+)'\)/g)
  const first = [...bound].map(([, file]) => `src/operations/${file}`)
  const loaded = loadedWith(...first)
  // An engine that is not in this process is loaded when it is opened.
  // No gateway copies a database, or imports one from a server.
  const rare = ['copy', 'foreign'].map(name => `src/operations/postgres/files/${name}.ts`)
  const engines = ['src/db/postgres/store.ts', ...rare]
  expect(late.filter(({ to }) => !loaded.has(to) && !engines.includes(to))).toEqual([])
})

test("drizzle's own transactions and bare connections are used nowhere", () => {
  // On bun:sqlite they commit before an async callback has finished, even when it throws.
  expect(production.filter(file => /\.transaction\(/.test(text(file)))).toEqual([])
  const openers = production.filter(file => /new (Client|Database|DatabaseSync)\(/.test(text(file)))
  expect(openers.filter(file => !within(file, 'src/db/sqlite', 'src/operations/file/backup'))).toEqual([])
  expect(
    violations(
      ({ from, to, kind }) =>
        to === 'bun:sqlite' &&
        kind === 'static' &&
        !['client', 'open', 'sole-use'].some(name => from === `src/db/sqlite/${name}.ts`),
    ),
  ).toEqual([])
})

test('BEGIN and COMMIT stand where an engine is known alone', () => {
  const allowed = [
    'src/db/sqlite',
    'src/db/postgres',
    'src/operations/file/backup',
    'src/operations/postgres/files',
  ]
  const starters = production.filter(file => /['"`](BEGIN|COMMIT)\b/.test(text(file)))
  expect(starters.filter(file => !within(file, ...allowed))).toEqual([])
})

test('what operations ask for is spelled for every engine', () => {
  // The sum of PostgreSQL is a text in JavaScript; the words of `src/db/words.ts` and the builder have the others.
  const spelled = /sql(<[^`]*>)?`[^`]*\b(sum\(|total\(|rowid\b|GLOB\b|json_|ifnull\(|instr\()/i
  const operations = production.filter(
    file => within(file, 'src/operations') && !within(file, 'src/operations/file'),
  )
  expect(operations.filter(file => spelled.test(text(file)))).toEqual([])
})

test('what is put into a command to paste is quoted for the shell', () => {
  // `shellLine` and `lineOf` write the whole command; in one that is written out, `shellWord` each word.
  const bare = production.flatMap(file =>
    [...text(file).matchAll(/\blatchkey (?!in )[a-z][^`\n;,]*? \$\{(?!shellWord\().*/g)].map(([line]) => [
      file,
      line,
    ]),
  )
  expect(bare).toEqual([])
})

test('every dependency has its reason', () => {
  const { dependencies, devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const reasons = readFileSync(join(root, 'docs/decisions/0001-dependencies.md'), 'utf8')
  const rows = reasons.split('\n').map(line => line.split('|')[1] ?? '')
  const packages = rows.flatMap(row => row.replace(/\(.*?\)/g, '').split(',')).map(name => name.trim())
  expect(packages).toContain('commander')
  const all = Object.keys({ ...dependencies, ...devDependencies })
  expect(all.filter(name => !packages.includes(name))).toEqual([])
})

test('there is no file whose name says nothing', () => {
  expect(sources.filter(file => /(^|\/)(utils?|helpers?|manager|common|misc)(\/|\.ts$)/.test(file))).toEqual(
    [],
  )
})
