import { expect, test } from 'bun:test'
import type { JsonSchema } from '../../contract/shape.ts'
import { run } from '../../testing/run.ts'
import { requireSchema, schemaProblems } from '../../testing/schema.ts'
import { tree } from '../commands/tree.ts'
import { namedNouns } from './commands.ts'

const commands = (await namedNouns(tree)).flatMap(noun => noun.commands)
const all = (await run('schema --json')).json<{ $defs: Record<string, JsonSchema> }>().$defs
const printing = commands
  .filter(({ declaration }) => declaration.prints.form !== 'text')
  .map(({ path }) => path)

test('there is one for every command that prints JSON, and for errors', () => {
  expect(Object.keys(all).sort()).toEqual(['error', ...printing].sort())
})

test.each(Object.entries(all))(
  'that of %s has a name of its own, and says of every field what it is',
  (path, schema) => {
    expect(schema).toMatchObject({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      $id: `urn:latchkey:${path.replaceAll(' ', ':')}`,
      title: `latchkey ${path}`,
      description: expect.any(String),
    })
    const mute: string[] = []
    const visit = (at: string, { properties = {}, items, anyOf = [] }: JsonSchema): void => {
      for (const [name, field] of Object.entries(properties)) {
        if (!field.description) mute.push(`${at}.${name}`)
        visit(`${at}.${name}`, field)
      }
      for (const inner of [items ?? [], anyOf].flat()) visit(at, inner)
    }
    visit(path, schema)
    expect(mute).toEqual([])
  },
)

test('the same comes alone, as a document that a validator takes', async () => {
  const distinct = new Map<string, JsonSchema>()
  for (const [path, schema] of Object.entries(all)) {
    const alone = (await run(`schema ${path}`)).json<JsonSchema>()
    expect(alone).toEqual(schema)
    expect((await run(`schema ${path} --json`)).json<JsonSchema>()).toEqual(schema)
    distinct.set(JSON.stringify(alone), alone)
  }
  for (const alone of distinct.values()) expect(() => requireSchema(alone)).not.toThrow()
})

test('it fits what the command prints, also with fields that are yet to come', async () => {
  const schema = (await run('schema config show')).json<JsonSchema>()
  const printed = (await run('config show --json', { db: '/x.db' })).json<readonly object[]>()
  expect(schemaProblems(schema, printed)).toEqual([])
  expect(
    schemaProblems(
      schema,
      printed.map(row => ({ ...row, since: 'tomorrow' })),
    ),
  ).toEqual([])
  expect(
    schemaProblems(
      schema,
      printed.map(row => ({ ...row, name: 7 })),
    ),
  ).not.toEqual([])
  expect(schemaProblems(schema, {})).not.toEqual([])
})

test('a list says what each command prints, all of them or those of a noun', async () => {
  const { out } = await run('schema')
  expect(out).toMatch(/^key list +array of Key$/m)
  expect(out.trimEnd().split('\n')).toHaveLength(Object.keys(all).length)
  const keys = (await run('schema key')).out.trimEnd().split('\n')
  expect(keys.length).toBe(printing.filter(path => path.startsWith('key ')).length)
})

test('words that are no command name the nearest one', async () => {
  expect(await run('schema key lst')).toMatchObject({
    code: 3,
    out: '',
    err: expect.stringContaining('try: latchkey schema key list\n'),
  })
})

test('what has no columns is not asked for them', async () => {
  expect((await run('schema key list -o yaml')).out).toStartWith('$schema: ')
  for (const flags of ['-o csv', '-q', '--fields title'])
    expect(await run(`schema key list ${flags}`)).toMatchObject({ code: 2, out: '' })
})

test('every form that a command can have is there', () => {
  const forms = new Set(commands.map(({ declaration }) => declaration.prints.form))
  expect([...forms].filter(form => form !== 'text').sort()).toEqual(['one', 'one or rows', 'rows'])
})
