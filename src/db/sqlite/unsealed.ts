/** What a log has stored that is being counted in steps, or was when its process ended. Nothing of it counts. */
import { widths } from '../spans.ts'
import type { Client } from './client.ts'

/** Removes it from a database, of any schema version, that no process is counting a log in. In a transaction of the caller. */
export function dropUnsealed(client: Client): void {
  if (!hasUnsealed(client)) return
  for (const table of widths)
    client.run(`DELETE FROM ${table} WHERE series IN (SELECT id FROM series WHERE pending = 1)`)
  client.run('DELETE FROM series WHERE pending = 1')
  client.run('DELETE FROM counted_events WHERE (ingest, at) IN (SELECT id, at FROM ingests)')
  client.run('DELETE FROM ingests')
}

/** Whether there is any. */
export const hasUnsealed = (client: Client): boolean =>
  client.hasTable('ingests') && client.query('SELECT 1 FROM ingests LIMIT 1').get() !== null
