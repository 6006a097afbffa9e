/** Rows of any table of the schema, with only what they must have. For tests only. */
import type { SQLiteColumn } from 'drizzle-orm/sqlite-core/columns/common'
import { getTableConfig } from 'drizzle-orm/sqlite-core/utils'
import { SqliteDialect } from '../db/sqlite/dialect.ts'
import { schemaTables } from './deleting.ts'
import { onPostgres, type TestLatchkey } from './latchkey.ts'

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
export async function insertRow(
  home: Pick<TestLatchkey, 'query'>,
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
    row['owner_id'] = (await insertRow(home, 'users', {}))['id'] ?? ''
  // A member is one of something.
  if (name === 'limits' && row['member_id'] !== undefined)
    row['project_id'] = (await insertRow(home, 'projects', {}))['id'] ?? ''
  for (const column of columns) {
    if (column.name in row || (!column.primary && (!column.notNull || column.hasDefault))) continue
    const key = foreignKeys.map(each => each.reference()).find(({ columns: [own] }) => own === column)
    if (key === undefined) row[column.name] = fitting(name, column, texts)
    else {
      const parent = await insertRow(home, getTableConfig(key.foreignTable).name, {})
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
