/** Does what each row of docs/deleting.md says. */
// Runs on PostgreSQL too.
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { getTableConfig } from 'drizzle-orm/sqlite-core/utils'
import { nounNames, nouns } from './contract/nouns.ts'
import { rulesOfDeleting, schemaTables } from './testing/deleting.ts'
import { onPostgres, type TestLatchkey, temporaryLatchkey } from './testing/latchkey.ts'
import { insertRow } from './testing/rows.ts'

let home: TestLatchkey

beforeAll(async () => {
  home = await temporaryLatchkey()
  if (!onPostgres) await home.query('PRAGMA foreign_keys = ON')
})
afterAll(() => home[Symbol.asyncDispose]())

/** A new thing with one that refers to it. */
async function pair(parent: string, child: string) {
  const [table = '', column = ''] = child.split('.')
  const foreign = getTableConfig(schemaTables.get(table) as never)
    .foreignKeys.map(each => each.reference())
    .find(({ columns: [own] }) => own?.name === column)
  const key = foreign?.foreignColumns[0]?.name ?? 'id'
  const thing = await insertRow(home, parent, {})
  const id = thing[key] ?? ''
  const quoted = typeof id === 'number' ? `${id}` : `'${id}'`
  await insertRow(home, table, { [column]: id })
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
