/** The published declaration of the library: its comments, and that its examples work. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import {
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectLatchkey, LatchkeyError, openLatchkey } from '../index.ts'
import { temporaryFolder } from '../testing/folder.ts'
import { emptyDatabase } from '../testing/postgres.ts'
import { whyNoServer } from '../testing/postgres-cluster.ts'
import { inCi } from '../testing/tools.ts'

const root = join(import.meta.dir, '../..')
const folder = mkdtempSync(join(tmpdir(), 'latchkey-types-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

interface Member {
  /** `keys.create`, as it is called. */
  readonly name: string
  readonly comment: string
  readonly isMethod: boolean
}

/** The output of tsc for those who install the package. */
let declared: readonly Member[] = []
/** Fields of inputs, and of some results that are not views. */
let options: readonly Member[] = []

/** Runs the compiler. With a listing, returns the files that it read. */
const tsc = (...words: string[]): readonly string[] => {
  const ran = Bun.spawnSync([join(root, 'node_modules/.bin/tsc'), ...words], { cwd: root })
  const lines = ran.stdout
    .toString()
    .split('\n')
    .filter(line => line !== '')
  expect(lines.filter(line => !line.startsWith('/'))).toEqual([])
  expect(ran.exitCode).toBe(0)
  return lines
}

beforeAll(() => {
  const written = Bun.spawnSync([process.execPath, 'packaging/types.ts', join(folder, 'types')], {
    cwd: root,
  })
  expect(written.stdout.toString()).toBe('')
  expect(written.exitCode).toBe(0)
  const library = join(folder, 'types/src/library')
  const groups = readdirSync(library).map(file => readFileSync(join(library, file), 'utf8'))
  declared = groups.flatMap(membersOf)
  options = [
    ...membersOf(readFileSync(join(folder, 'types/src/index.d.ts'), 'utf8')),
    ...groups.flatMap(exportedInputs),
  ]
}, 600_000)

/** The inputs that a declaration file exports with its methods. */
const exportedInputs = (group: string): readonly Member[] =>
  [...group.matchAll(/^export type (?:\{ ([^}]*) \}|\*) from '\.\.\/(operations\/[^']*)\.ts'/gm)].flatMap(
    ([, names, file = '']) =>
      membersOf(readFileSync(join(folder, 'types/src', `${file}.d.ts`), 'utf8')).filter(
        ({ name }) => names === undefined || names.split(', ').includes(name.split('.')[0] ?? ''),
      ),
  )

/** Every field of every interface and described input of a declaration file, with its comment. */
function membersOf(text: string): readonly Member[] {
  const inputs = new Map(
    [...text.matchAll(/^export type (\w+) = .*\bInput<typeof (\w+)>/gm)].map(([, type, schema]) => [
      schema,
      type,
    ]),
  )
  const blocks =
    /^(?:export )?(?:interface|declare const) (\w+)(?:: v\.ObjectSchema<| extends [^{]*)? ?\{\n([\s\S]*?)^\}/gm
  return [...text.matchAll(blocks)].flatMap(([, owner = '', body = '']) =>
    [
      ...body.matchAll(
        /( {4}\/\*\*[\s\S]*?\*\/\n)?^ {4}readonly (\w+)\??: ([\s\S]*?);\n(?=^ {4}(?:\/\*\*|readonly)|$(?![\s\S]))/gm,
      ),
    ].map(([, comment = '', name = '', type = '']) => ({
      name: `${inputs.get(owner) ?? owner}.${name}`,
      comment: comment
        .replace(/\s*\*\/\s*$/, '')
        .replace(/^ *\/?\*+ ?/gm, '')
        .trim(),
      isMethod: type.includes('=>'),
    })),
  )
}

/** Those whose comment does not begin with a sentence. */
const withoutSentence = (members: readonly Member[]): readonly string[] =>
  members.filter(({ comment }) => !/^[A-Z].*\.(\s+@.*)?$/s.test(comment)).map(({ name }) => name)

const exampleOf = ({ comment }: Member): string | undefined => /@example\n([\s\S]*)$/.exec(comment)?.[1]

test('every method says what it does, what it throws, and how it is called', () => {
  const methods = declared.filter(({ isMethod }) => isMethod)
  expect(methods.length).toBeGreaterThan(75)
  const lacking = (what: RegExp) =>
    methods.filter(({ comment }) => !what.test(comment)).map(({ name }) => name)
  expect(lacking(/^[A-Z][\s\S]*?\./)).toEqual([])
  expect(lacking(/^@throws \S/m)).toEqual([])
  expect(lacking(/^@example\n\S/m)).toEqual([])
})

test('every other field says what it is', () => {
  expect(withoutSentence(declared.filter(({ isMethod }) => !isMethod))).toEqual([])
})

test('every option says what it means', () => {
  expect(options.length).toBeGreaterThan(100)
  expect(withoutSentence(options)).toEqual([])
})

test('every field of what is given says what it means, down to the innermost', () => {
  const views = join(folder, 'types/src/contract/views')
  const files = readdirSync(views).map(file => readFileSync(join(views, file), 'utf8'))
  const shapes = files.flatMap(
    text => text.match(/^export declare const \w+: .*ObjectShape<\{\n[\s\S]*?^\}>;/gm) ?? [],
  )
  expect(shapes.length).toBeGreaterThan(60)
  const lines = shapes.flatMap(shape => shape.split('\n').map(line => line.trim()))
  const fields = lines.flatMap((line, at) =>
    line.startsWith('readonly ') ? [{ line, above: lines[at - 1] ?? '' }] : [],
  )
  expect(fields.length).toBeGreaterThan(900)
  expect(fields.filter(({ above }) => !/^\/\*\* .*\. \*\/$/.test(above))).toEqual([])
  expect(withoutSentence(files.flatMap(membersOf))).toEqual([])
})

test('what can be called is what is declared', async () => {
  using home = temporaryFolder()
  await using latchkey = {
    ...connectLatchkey({ path: home.file('latchkey.db') }),
    [Symbol.asyncDispose]: async () => {},
  }
  const callable = (value: object, path: string): readonly string[] =>
    Object.entries(value).flatMap(([name, each]) =>
      typeof each === 'function'
        ? [path + name]
        : typeof each === 'object'
          ? callable(each, `${path}${name}.`)
          : [],
    )
  const groups: Readonly<Record<string, string>> = {
    Latchkey: '',
    DatabaseFile: 'database.',
    Prices: 'usage.prices.',
    OrganizationMembers: 'organizations.members.',
    ProjectMembers: 'projects.members.',
    TeamMembers: 'teams.members.',
  }
  const said = declared
    .filter(({ isMethod }) => isMethod)
    .map(({ name }) => {
      const [group = '', method = ''] = name.split('.')
      return `${groups[group] ?? `${group.toLowerCase()}.`}${method}`
    })
  expect(callable(latchkey, '').toSorted()).toEqual(said.toSorted())
})

test('every error code that is named is one that there is', async () => {
  const { exitCodes } = await import('../index.ts')
  const named = declared.flatMap(({ comment }) =>
    [...comment.matchAll(/\b[a-z]+_[a-z]+\b/g)].map(([code]) => code),
  )
  const known = ['user_disabled', 'project_archived', ...Object.keys(exitCodes)]
  expect([...new Set(named)].filter(code => !known.includes(code))).toEqual([])
})

test('every example is TypeScript that the declaration allows, in a project that checks the types of its packages', () => {
  const guide = readFileSync(join(root, 'docs/embedding.md'), 'utf8')
  // Methods as the table of names of other stores has them, perhaps with what they are called with.
  const [, stores = ''] = guide.split('\n## From other stores\n')
  const named = [...stores.matchAll(/`(\w+\.\w+(?:\(.*?\))?)`/g)].map(([, call]) => `latchkey.${call}`)
  expect(named.length).toBeGreaterThan(30)
  const examples = [...declared.flatMap(member => exampleOf(member) ?? []), named.join('\n')]
  const body = examples.map(code => `{\n${code}\n}`).join('\n')
  writeFileSync(
    join(folder, 'examples.ts'),
    `import { connectLatchkey, type Latchkey } from './types/src/index.ts'\nexport async function examples(latchkey: Latchkey, secret: string, chat: string, user: string, owner: string, limit: number, after: never) {\n${body}\nreturn connectLatchkey\n}\n`,
  )
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  symlinkSync(join(root, 'package.json'), join(folder, 'types/package.json'))
  const options = {
    strict: true,
    target: 'esnext',
    module: 'preserve',
    moduleResolution: 'bundler',
    allowImportingTsExtensions: true,
    resolveJsonModule: true,
    types: [],
    noEmit: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    skipDefaultLibCheck: true,
  }
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: options, files: ['examples.ts'] }),
  )
  const read = tsc('-p', folder, '--listFiles', '--singleThreaded')
  // Everything it reaches must compile in the projects of users, so it must be little.
  const reached = (pattern: RegExp) =>
    [...new Set(read.flatMap(file => pattern.exec(file)?.[1] ?? []))].toSorted()
  expect(reached(/node_modules\/((?:@[^/]+\/)?[^/]+)/).filter(name => !/typescript/.test(name))).toEqual([
    'valibot',
  ])
  expect(reached(/\/types\/(src\/(?:[^/]+\/)?)/)).toEqual([
    'src/',
    'src/contract/',
    'src/formats/',
    'src/library/',
    'src/operations/',
  ])
}, 600_000)

const exampleServer = 'postgres://latchkey@localhost/latchkey'

test('every example runs', async () => {
  const transpiler = new Bun.Transpiler({ loader: 'ts' })
  const AsyncFunction = (async () => {}).constructor as new (
    ...words: string[]
  ) => (...values: unknown[]) => Promise<void>
  // Copying one is cheaper than creating one.
  using made = temporaryFolder()
  const template = made.file('latchkey.db')
  const secret = await furnished(template)
  // CI must not skip one.
  const hasServer = inCi || whyNoServer() === null
  let ran = 0
  for (const member of declared) {
    const example = exampleOf(member)
    if (example === undefined) continue
    const isOnServer = example.includes(exampleServer)
    if (isOnServer && !hasServer) continue
    await using server = isOnServer ? await emptyDatabase() : undefined
    using home = temporaryFolder()
    const path = home.file('latchkey.db')
    copyFileSync(template, path)
    const latchkey = connectLatchkey({ path })
    const runnable = example.replace(exampleServer, server?.url ?? '')
    const code = transpiler.transformSync(`globalThis.example = async () => {\n${runnable}\n}`)
    const quiet = { log: () => {} }
    try {
      await new AsyncFunction(
        'latchkey',
        'secret',
        'connectLatchkey',
        'openLatchkey',
        'console',
        `${code}\nreturn globalThis.example()`,
      )(latchkey, secret, connectLatchkey, openLatchkey, quiet)
      ran++
    } catch (error) {
      const said = error instanceof LatchkeyError ? `${error.code}: ${error.message}` : String(error)
      throw new Error(`the example of ${member.name} fails: ${said}\n${example}`, { cause: error })
    } finally {
      await latchkey.close()
    }
  }
  expect(ran).toBeGreaterThan(75)
}, 300_000)

/** Things that the examples may use. Returns the secret of the key. */
async function furnished(path: string): Promise<string> {
  const latchkey = connectLatchkey({ path })
  await latchkey.initialize()
  await latchkey.users.create({ username: 'alice' })
  await latchkey.projects.create({ name: 'Shop', owner: 'alice' })
  await latchkey.organizations.create({ name: 'Acme', owner: 'alice' })
  // So that alice is not the last owner, who cannot leave.
  await latchkey.users.create({ username: 'olivia' })
  await latchkey.organizations.members.add('acme', 'olivia', 'owner')
  const limits = [{ metric: 'tokens', amount: 100_000, windowMs: 5 * 3_600_000 }] as const
  const { secret } = await latchkey.keys.create({ name: 'ci', user: 'alice', project: 'shop', limits })
  await latchkey.close()
  return secret ?? ''
}
