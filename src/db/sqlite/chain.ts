/** The chain of the audit log in a file: where it ends, and how a migration makes one of the rows that were there before. */
import { type Chainable, type Head, linked, start } from '../chain.ts'
import type { Client } from './client.ts'

/** Undefined when the schema is from before there was a chain. */
export function headOf(client: Client): Head | undefined {
  const isChained = client.query("SELECT 1 FROM pragma_table_info('audit') WHERE name = 'seq'").get() !== null
  if (!isChained) return undefined
  return (client.query('SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1').get() as Head | null) ?? start
}

/** In the step that brings the chain: from the old table to the new one, in the order in which they were written. */
export function chainRows(client: Client): void {
  const some = client.query(
    `SELECT rowid AS number, id, at, actor, origin, action, target_type AS targetType, target_id AS targetId,
       target_name AS targetName, before, after
     FROM audit WHERE rowid > ? ORDER BY rowid LIMIT 1000`,
  )
  const insert = client.query(
    'INSERT INTO __new_audit (id, at, actor, origin, action, target_type, target_id, target_name, before, after, seq, previous, salt, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
  )
  let head = start
  for (let number = 0; ; ) {
    const rows = some.all(number) as (Chainable & { readonly number: number })[]
    for (const row of linked(head, rows)) {
      const { id, at, actor, origin, action, targetType, targetId, targetName, before, after } = row
      insert.run(
        ...[id, at, actor, origin, action, targetType, targetId, targetName, before, after],
        ...[row.seq, row.previous, row.salt, row.hash],
      )
      head = row
      number = row.number
    }
    if (rows.length < 1000) return
  }
}
