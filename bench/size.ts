/**
 * The file after an ingest, compared with the same buckets as they were stored before there were series, added hour by hour in
 * the order of the table. Compared are the pages that usage adds, first as they were written, then after VACUUM.
 */
import { Database } from 'bun:sqlite'
import { temporaryFolder } from '../src/testing/folder.ts'
import { createFormer } from './former.ts'
import { freshDatabase, ingest, writeLog } from './ingest.ts'
import type { Row } from './rounds.ts'

const mebibyte = 1024 * 1024

export async function rows(): Promise<readonly Row[]> {
  using folder = temporaryFolder()
  const log = folder.file('events.ndjson')
  await writeLog(log, false)
  const path = await freshDatabase(folder.path)
  const present = new Database(path, { readwrite: true })
  const former = createFormer(folder.file('former.db'), path)
  const sizes = () => ({ present: bytes(present), former: bytes(former) })
  const compact = () => {
    for (const db of [present, former]) db.run('VACUUM')
  }
  compact()
  const empty = sizes()
  await ingest(path, log)
  former.run('ATTACH ? AS present', [path])
  const { changes } = former.run(`
    INSERT INTO usage (key_id, start, model, requests, input_tokens, output_tokens, other_tokens, cost_micros)
    SELECT s.key_id, b.start * 60000, m.name, requests, input_tokens, output_tokens, other_tokens, cost_micros
    FROM present.minutes b JOIN present.series s ON s.id = b.series JOIN present.models m ON m.id = b.model
    ORDER BY b.start / 60, s.key_id, b.start, m.name`)
  former.run('DETACH present')
  const row = (name: string): Row => {
    const now = sizes()
    const [ours, theirs] = [now.present - empty.present, now.former - empty.former]
    return {
      name,
      ratio: ours / theirs,
      bound: 0.4,
      better: 'lower',
      detail: `${(ours / mebibyte).toFixed(1)} against ${(theirs / mebibyte).toFixed(1)} MiB for ${changes.toLocaleString('en-US')} distinct buckets`,
    }
  }
  const written = row('size after ingest / before series')
  compact()
  const compacted = row('size after VACUUM / before series')
  present.close()
  former.close()
  return [written, compacted]
}

/** Of all pages, also those that are still in the log. */
function bytes(db: Database): number {
  const pages = db.query<{ page_count: number }, []>('PRAGMA page_count').get()!.page_count
  return pages * db.query<{ page_size: number }, []>('PRAGMA page_size').get()!.page_size
}
