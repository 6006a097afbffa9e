import { expect, test } from 'bun:test'
import type { Declaration } from '../cli/declare/declaration.ts'
import { command, text as plainText, rows } from '../cli/declare/define.ts'
import { object, text, time } from '../contract/shape.ts'
import { requireContract } from './outcome.ts'

const thing = object('Thing', { id: text('Id'), at: time('When') })
const base = { effect: 'read', summary: 'Show', examples: ['latchkey x'], run: async () => [] } as const
const table = command({ ...base, prints: rows(thing, { empty: 'None.' }) })
const stream = command({ ...base, prints: rows(thing, { columns: [], empty: '' }) })
const plain = command({ ...base, run: async () => '', prints: plainText })
const declarations: Readonly<Record<string, Declaration>> = { rows: table, stream, plain }
const verbs = Object.fromEntries(
  Object.entries(declarations).map(([name, each]) => [name, async () => ({ default: each })]),
)
const tree = { x: { summary: 'Xs', verbs } }

const good = '{"id":"a","at":"2026-11-20T12:00:00.000Z"}'
const late = '{"id":"a","at":"2026-11-20T13:00:00+01:00"}'
const error = (exit: number) =>
  `{"error":{"code":"usage","message":"it is wrong","hint":"try again","exit":${exit}}}\n`

interface Case {
  readonly line: string
  readonly env?: Readonly<Record<string, string>>
  readonly out?: string
  readonly err?: string
  readonly code?: number
}

const held = ({ line, env = {}, out = '', err = '', code = 0 }: Case) =>
  requireContract({ argv: line.split(' '), env, cwd: '/nonexistent', tree, code, out, err })

test.each<Case>([
  { line: 'x rows --json', out: `[${good}]` },
  { line: 'x rows --json', out: '[]' },
  { line: 'x rows -o ndjson', out: `${good}\n${good}\n` },
  { line: 'x rows -o ndjson' },
  { line: 'x rows --json --fields id', out: '[{"id":"a"}]' },
  { line: 'x rows --json --fields id', code: 2, err: error(2) },
  { line: 'x rows --json', code: 2, err: `Some talk.\n${error(2)}` },
  { line: 'x rows -o csv', out: 'whatever' },
  { line: 'x rows', out: 'a table', env: {} },
  { line: 'x stream', out: `${good}\n` },
  { line: 'x stream', code: 2, err: 'latchkey: no\ntry: yes\n' },
  { line: 'x plain', out: 'text', env: { LATCHKEY_OUTPUT: 'json' } },
  { line: 'x --help --json', out: 'Usage' },
])('nothing is said against %j', async each => {
  expect(await held(each)).toBeUndefined()
})

test.each<Case & { readonly says: string }>([
  { line: 'x rows --json', out: `[${late}]`, says: '/0/at must match format' },
  { line: 'x rows --json', out: good, says: 'must be array' },
  { line: 'x rows --json', out: '[{"id":"a","at":null,"b":1}]', says: 'additional properties (b)' },
  { line: 'x rows --json', out: `[${good}]\n[]`, says: 'no JSON' },
  { line: 'x rows --json', out: '', says: 'no JSON' },
  { line: 'x rows -o ndjson', out: `${good}\n${late}\n`, says: '/at must match' },
  { line: 'x rows --json --fields id', out: `[${good}]`, says: 'additional properties (at)' },
  { line: 'x rows', env: { LATCHKEY_OUTPUT: 'json' }, out: 'a table', says: 'no JSON' },
  { line: 'x stream', out: 'a table', says: 'no JSON' },
  { line: 'x rows --json', code: 2, err: error(3), says: 'says exit 3, and it exits 2' },
  { line: 'x rows --json', code: 1, err: 'latchkey: no', says: 'no JSON' },
  { line: 'x nothing --json', code: 2, out: 'Usage', err: error(2), says: 'something on stdout' },
])('%j breaks the contract', async ({ says, ...each }) => {
  await expect(held(each)).rejects.toThrow(says)
})
