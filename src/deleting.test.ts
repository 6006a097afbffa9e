/** Does what each row of docs/deleting.md says. */
// Runs on PostgreSQL too.
import { afterAll, beforeAll, expect, test } from 'bun:test'
import type { SQLiteColumn } from 'drizzle-orm/sqlite-core/columns/common'
import { getTableConfig } from 'drizzle-orm/sqlite-core/utils'
import { nounNames, nouns } from './contract/nouns.ts'
import { SqliteDialect } from './db/sqlite/dialect.ts'
import { rulesOfDeleting, schemaTables } from './testing/deleting.ts'
import { onPostgres, type TestLatchkey, temporaryLatchkey } from './testing/latchkey.ts'

let home: TestLatchkey

beforeAll(async () => {
  home = await temporaryLatchkey()
  if (!onPostgres) await home.query('PRAGMA foreign_keys = ON')
})
afterAll(() => home[Symbol.asyncDispose]())

type Value = string | number

const dialect = new SqliteDialect()

/** What no check says: values that a row of the table needs beside what its checks tell. */
const needed: Readonly<Record<string, Readonly<Record<string, Value>>>> = {
  limits: { window_ms: 3_600_000, period: 'rolling', time_zone: '' },
  accounts: { provider_id: 'google', issuer: 'google' },
}

let made = 1_000

/** A value that fits the checks of the column, another one each time. */
function fitting(table: string, column: SQLiteColumn, checks: readonly string[]): Value {
  const { name } = column
  const said = checks
    .filter(text => text.includes(`"${name}"`))
    .map(text => text.replaceAll(`"${table}".`, ''))
  const match = (pattern: RegExp) =>
    said.map(text => pattern.exec(text)?.[1]).find(found => found !== undefined)
  const number = ++made
  if (column.getSQLType() === 'integer')
    return Number(match(new RegExp(`"${name}" (?:= |IN \\()(\\d+)`)) ?? number)
  const choice = match(new RegExp(`"${name}" IN \\('([^']*)'`))
  if (choice !== undefined) return choice
  const prefix = match(new RegExp(`"${name}" GLOB '(\\w+)_\\*'`))
  if (prefix !== undefined && name === 'id') return `${prefix}_${String(number).padStart(26, '0')}`
  if (match(new RegExp(`json_type\\("${name}"\\) (=) 'array'`)) !== undefined) return '[]'
  if (match(new RegExp(`(json_valid)\\("${name}"\\)`)) !== undefined) return '{}'
  const length = match(new RegExp(`length\\("${name}"\\) = (\\d+)`))
  if (name === 'email') return `x${number}@example.org`
  return length === undefined ? `x${number}` : String(number).padStart(Number(length), '0')
}

/** Inserts a row with only what it must have. Returns its columns. */
async function insert(
  name: string,
  given: Readonly<Record<string, Value>>,
): Promise<Readonly<Record<string, Value>>> {
  const table = schemaTables.get(name)
  if (table === undefined) throw new Error(`the schema has no table ${name}`)
  const { columns, foreignKeys, checks } = getTableConfig(table)
  const texts = checks.map(check => dialect.sqlToQuery(check.value).sql)
  const row: Record<string, Value> = { ...needed[name], ...given }
  // A check wants one of two owners.
  if (name === 'projects' && row['owner_id'] === undefined && row['organization_id'] === undefined)
    row['owner_id'] = (await insert('users', {}))['id'] ?? ''
  // A member is one of something.
  if (name === 'limits' && row['member_id'] !== undefined)
    row['project_id'] = (await insert('projects', {}))['id'] ?? ''
  for (const column of columns) {
    if (column.name in row || (!column.primary && (!column.notNull || column.hasDefault))) continue
    const key = foreignKeys.map(each => each.reference()).find(({ columns: [own] }) => own === column)
    if (key === undefined) row[column.name] = fitting(name, column, texts)
    else {
      const parent = await insert(getTableConfig(key.foreignTable).name, {})
      row[column.name] = parent[key.foreignColumns[0]?.name ?? 'id'] ?? ''
    }
  }
  const isBytes = (own: string) => columns.some(each => each.name === own && each.getSQLType() === 'blob')
  const values = Object.entries(row).map(([own, value]) => {
    if (isBytes(own)) return onPostgres ? "'\\x00'" : "x'00'"
    return typeof value === 'number' ? value : `'${value.replaceAll("'", "''")}'`
  })
  const names = Object.keys(row).map(column => `"${column}"`)
  await home.query(`INSERT INTO ${name} (${names.join(', ')}) VALUES (${values.join(', ')})`)
  return row
}

/** A new thing with one that refers to it. */
async function pair(parent: string, child: string) {
  const [table = '', column = ''] = child.split('.')
  const foreign = getTableConfig(schemaTables.get(table) as never)
    .foreignKeys.map(each => each.reference())
    .find(({ columns: [own] }) => own?.name === column)
  const key = foreign?.foreignColumns[0]?.name ?? 'id'
  const thing = await insert(parent, {})
  const id = thing[key] ?? ''
  const quoted = typeof id === 'number' ? `${id}` : `'${id}'`
  await insert(table, { [column]: id })
  const count = async (from: string, where: string) => {
    const [row] = await home.query(`SELECT count(*) AS n FROM ${from} WHERE ${where}`)
    return Number((row as { n: number | string }).n)
  }
  const total = await count(table, 'true')
  return {
    id: String(id),
    erase: () => home.query(`DELETE FROM ${parent} WHERE ${key} = ${quoted}`),
    outcome: async () => {
      if ((await count(parent, `${key} = ${quoted}`)) === 1) return 'refused'
      return (await count(table, 'true')) === total ? 'kept' : 'deleted'
    },
  }
}

test.each(rulesOfDeleting().map(rule => [rule.parent, rule.child, rule.database] as const))(
  'deleting one of %s with SQL: %s are %s',
  async (parent, child, expected) => {
    const { erase, outcome } = await pair(parent, child)
    await erase().catch(() => {})
    expect<string>(await outcome()).toBe(expected)
  },
)

const commanded = rulesOfDeleting().filter(({ command }) => command !== '–')

test.each(commanded.map(rule => [rule.parent, rule.child, rule.command] as const))(
  'the command that deletes one of %s: %s are %s',
  async (parent, child, expected) => {
    const noun = nounNames.find(each => nouns[each].plural === parent)
    if (noun === undefined) throw new Error(`there is no noun for ${parent}`)
    const { id, outcome } = await pair(parent, child)
    const failed = await home.latchkey[nouns[noun].plural].delete(id).then(
      () => null,
      error => error.code,
    )
    expect(failed).toBe(expected === 'refused' ? 'conflict' : null)
    expect<string>(await outcome()).toBe(expected)
  },
)
