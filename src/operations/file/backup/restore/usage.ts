/** What keys used that come back from the attached `backup` to `main`. Usage stays here when a key is deleted. */
import * as v from 'valibot'
import { widths } from '../../../../db/spans.ts'
import type { Client } from '../../../../db/sqlite/client.ts'
import { carriedIn, keyState, movedBy, read, usageMove } from '../../../import/state.ts'
import { columnsOf } from './difference.ts'

/**
 * Joins a key that came back, with what was carried of it and how it was in its source, to what is stored of its usage. Only
 * if there is nothing of that here, its usage comes from the backup.
 */
export function joinUsage(client: Client, key: string): void {
  if (client.query('SELECT 1 FROM main.series WHERE key_id = ? AND pending = 0').get(key))
    catchUp(client, key)
  else copyUsage(client, key)
}

/** What was imported for the key after the backup is in its buckets, but not in what the backup says of its source. */
function catchUp(client: Client, key: string): void {
  const changes = client
    .query(
      `SELECT c.before FROM main.import_changes c JOIN main.imports i ON i.id = c.import_id
       WHERE c.target_id = ?1 AND c.action = 'updated' AND i.undone_at IS NULL
         AND c.import_id NOT IN (SELECT import_id FROM backup.import_changes WHERE target_id = ?1)
       ORDER BY c.import_id`,
    )
    .all(key) as { before: string }[]
  for (const change of changes) {
    const { moved } = v.parse(withMove, JSON.parse(change.before))
    if (moved === null) continue
    const { requests, inputTokens, outputTokens, otherTokens, costMicros } = carriedIn(moved)
    client
      .query(
        `INSERT INTO main.carried_usage (key_id, requests, input_tokens, output_tokens, other_tokens, cost_micros)
         VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (key_id) DO UPDATE SET requests = requests + excluded.requests,
           input_tokens = input_tokens + excluded.input_tokens, output_tokens = output_tokens + excluded.output_tokens,
           other_tokens = other_tokens + excluded.other_tokens, cost_micros = cost_micros + excluded.cost_micros`,
      )
      .run(key, requests, inputTokens, outputTokens, otherTokens, costMicros)
    const known = client.query('SELECT state FROM main.imported_keys WHERE key_id = ?').get(key)
    if (known === null) continue
    const state = read(keyState, JSON.parse((known as { state: string }).state), key)
    client
      .query('UPDATE main.imported_keys SET state = ? WHERE key_id = ?')
      .run(JSON.stringify(movedBy(state, moved)), key)
  }
}

const withMove = v.object({ moved: v.nullable(usageMove) })

function copyUsage(client: Client, key: string): void {
  const whose = 'key_id, user_id, project_id, end_user, ingest, pending, organization_id, team_ids'
  const columns = (table: string) => whose.replace(/\w+/g, column => `${table}.${column}`)
  client.run('INSERT OR IGNORE INTO main.models (name) SELECT name FROM backup.models')
  client
    .query(
      `INSERT INTO main.series (${whose}) SELECT ${whose} FROM backup.series WHERE key_id = ? AND pending = 0`,
    )
    .run(key)
  for (const table of widths) {
    const counted = columnsOf(client, table)
      .filter(column => column !== 'series' && column !== 'model')
      .map(column => `b.${column}`)
    client
      .query(
        `INSERT INTO main.${table} (series, model, ${counted.map(column => column.slice(2)).join(', ')})
         SELECT s.id, m.id, ${counted.join(', ')}
         FROM backup.series o JOIN backup.${table} b ON b.series = o.id JOIN backup.models n ON n.id = b.model
         JOIN main.models m ON m.name = n.name
         JOIN main.series s ON (${columns('s')}) = (${columns('o')})
         WHERE o.key_id = ? AND o.pending = 0`,
      )
      .run(key)
  }
}
