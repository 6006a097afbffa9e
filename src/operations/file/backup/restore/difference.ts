/**
 * Lists what a restore would change, by name. Reads the things of both databases side by side, ordered by id. If the
 * schemas differ, only what both have is compared. Only reads.
 */
import { byPlural, type Noun, nouns } from '../../../../contract/nouns.ts'
import type { Changes, Restored } from '../../../../contract/views.ts'
import type { Client } from '../../../../db/sqlite/client.ts'
import { openPrivate } from '../../../../db/sqlite/copy.ts'
import { openReader } from '../../../../db/sqlite/open.ts'
import { stored } from '../../../nouns.ts'

/** What would change if the private copy replaced the database. */
export function compareWith(path: string, copy: string): NonNullable<Restored['changes']> {
  using now = openReader(path)
  using then = openPrivate(copy)
  return byPlural(noun => compare(noun, now, then))
}

function compare(noun: Noun, now: Client, then: Client): Changes {
  const table = nouns[noun].plural
  const before = new Set(columnsOf(now, table))
  const known = columnsOf(then, table).filter(column => before.has(column))
  const added: string[] = []
  const removed: string[] = []
  const changed: string[] = []
  for (const [old, restored] of sideBySide(rows(noun, now, known), rows(noun, then, known))) {
    if (!old && restored) added.push(restored.name)
    else if (old && !restored) removed.push(old.name)
    else if (old && restored && old.content !== restored.content) changed.push(restored.name)
  }
  return { added, removed, changed }
}

interface Row {
  readonly id: string
  readonly name: string
  /** Equal for two rows with the same contents. */
  readonly content: string
}

/** All rows of a noun by id, or the one with this id. Empty if the schema has no such table. */
export function rows(
  noun: Noun,
  client: Client,
  known: readonly string[],
  id?: string,
): IterableIterator<Row> {
  const { plural: table, label } = nouns[noun]
  const { volatile, parts } = stored[noun]
  if (known.length === 0) return [].values()
  const columns = known.filter(column => !volatile.includes(column)).map(column => `t."${column}"`)
  const ofThing = columnsOf(client, table)
  const nested = parts
    .map(part => ({ ...part, present: columnsOf(client, part.table) }))
    .map(part => {
      const { former } = part
      // A schema without the table has none of them, unless it kept them in a column of the thing.
      if (!part.present.includes(part.by))
        return former && ofThing.includes(former.column)
          ? `(SELECT json_group_array(json_array(${part.columns.join(', ')})) FROM (SELECT ${former.row} WHERE t."${former.column}" IS NOT NULL))`
          : '(SELECT json_group_array(1) FROM (SELECT 1 WHERE 0))'
      const added = Object.entries(part.since ?? {}).map(([column, before]) =>
        part.present.includes(column) ? column : before,
      )
      const own = [...part.columns, ...added].join(', ')
      return `(SELECT json_group_array(json_array(${own})) FROM (SELECT ${own} FROM "${part.table}" WHERE "${part.by}" = t.id ORDER BY ${own}))`
    })
  const sql = `SELECT t.id AS id, t."${label}" AS name, json_array(${[...columns, ...nested].join(', ')}) AS content
    FROM "${table}" t ${id === undefined ? 'ORDER BY t.id' : 'WHERE t.id = ?'}`
  const statement = client.query(sql)
  return (id === undefined ? statement.iterate() : statement.iterate(id)) as IterableIterator<Row>
}

export function columnsOf(client: Client, table: string): readonly string[] {
  const found = client.query('SELECT name FROM pragma_table_info(?)').all(table) as { name: string }[]
  return found.map(({ name }) => name)
}

/** Pairs two lists that are in the order of their ids. */
function* sideBySide(
  left: IterableIterator<Row>,
  right: IterableIterator<Row>,
): Generator<readonly [Row | undefined, Row | undefined]> {
  let a = left.next()
  let b = right.next()
  while (!a.done || !b.done) {
    const first = a.done ? undefined : a.value
    const second = b.done ? undefined : b.value
    const takeLeft = first !== undefined && (second === undefined || first.id <= second.id)
    const takeRight = second !== undefined && (first === undefined || second.id <= first.id)
    yield [takeLeft ? first : undefined, takeRight ? second : undefined]
    if (takeLeft) a = left.next()
    if (takeRight) b = right.next()
  }
}
