/** The chain of the audit log on a server: where it ends, and how a migration makes one of the rows that were there before. */
import { type Chainable, type Head, linked, start } from '../chain.ts'
import type { Connection } from './connection.ts'

/** Undefined when the schema is from before there was a chain. The caller is the only one who writes. */
export async function headOf(connection: Connection): Promise<Head | undefined> {
  const [column] = await connection.rows(
    "SELECT 1 AS found FROM pg_attribute WHERE attrelid = 'audit'::regclass AND attname = 'seq' AND NOT attisdropped",
  )
  if (column === undefined) return undefined
  const [last] = await connection.rows<Head>('SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1')
  return last ?? start
}

/** In the step that brings the chain, in the order of time. */
export async function chainRows(connection: Connection): Promise<void> {
  let head = start
  for (let [at, id] = [-(2 ** 50), '']; ; ) {
    const rows = await connection.rows<Chainable>(
      `SELECT id, at, actor, origin, action, target_type AS "targetType", target_id AS "targetId",
         target_name AS "targetName", before, after
       FROM audit WHERE (at, id) > ($1::bigint, $2) ORDER BY at, id LIMIT 1000`,
      [at, id],
    )
    const links = [...linked(head, rows)]
    await connection.run(
      `UPDATE audit SET seq = link.seq, previous = link.previous, salt = link.salt, hash = link.hash
       FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::text[]) AS link (id, seq, previous, salt, hash)
       WHERE audit.id = link.id`,
      [
        links.map(link => link.id),
        links.map(link => link.seq),
        links.map(link => link.previous),
        links.map(link => link.salt),
        links.map(link => link.hash),
      ],
    )
    const last = links.at(-1)
    if (last === undefined || links.length < 1000) return
    head = last
    ;[at, id] = [last.at, last.id]
  }
}
