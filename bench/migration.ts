/**
 * `bun bench/migration.ts [BUCKETS]`: how long the step from schema version 4 to 5 takes, and back, with so many buckets of a
 * minute, and the peak memory of the process. Each is the step alone in its transaction, without the backup that the command makes.
 */
import { Client } from '../src/db/sqlite/client.ts'
import { temporaryFolder } from '../src/testing/folder.ts'
import { measured } from './child.ts'
import { fixture } from './fixture.ts'
import { createFormer, formerVersion } from './former.ts'

const keys = 1_000
const models = ['gpt-4o', 'claude-opus']

async function main(buckets: number): Promise<void> {
  using folder = temporaryFolder()
  const path = folder.file('former.db')
  using made = await fixture(keys)
  const client = createFormer(path, made.path)
  fill(client, buckets)
  client.close()
  console.log(
    `${buckets.toLocaleString('en-US')} buckets of ${keys.toLocaleString('en-US')} keys: ${mebibytes(Bun.file(path).size)}`,
  )
  for (const target of [formerVersion + 1, formerVersion]) {
    const cost = await measured([process.execPath, import.meta.path, 'step', path, String(target)])
    console.log(
      `to version ${target}: ${(cost.ms / 1000).toFixed(1)} s, peak memory ${mebibytes(cost.peakBytes)}, then ${mebibytes(Bun.file(path).size)}`,
    )
  }
}

/** Consecutive minutes of each key in turn, with the totals that belong to them. */
function fill(client: Client, buckets: number): void {
  const each = Math.ceil(buckets / keys / models.length)
  client.run('PRAGMA synchronous = OFF')
  client.run(
    `INSERT INTO usage (key_id, start, model, requests, input_tokens, output_tokens, cost_micros)
     WITH RECURSIVE seq(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM seq WHERE n < ?1 - 1)
     SELECT k.id, 1760000040000 + n * 60000, m.value, 1, 100, 20, 5 FROM keys k CROSS JOIN seq CROSS JOIN json_each(?2) m`,
    [each, JSON.stringify(models.toSorted())],
  )
  client.run(
    `UPDATE keys SET requests = ?1, input_tokens = ?1 * 100, output_tokens = ?1 * 20, cost_micros = ?1 * 5,
       last_used_at = (SELECT max(start) FROM usage WHERE key_id = keys.id)`,
    [each * models.length],
  )
  client.run('PRAGMA wal_checkpoint(TRUNCATE)')
}

const mebibytes = (bytes: number): string => `${Math.round(bytes / 1024 / 1024)} MiB`

const [first = '1000000', path, target] = Bun.argv.slice(2)
if (first === 'step' && path !== undefined) {
  const client = new Client(path, { readwrite: true })
  const { migrateTo } = await import('../src/db/sqlite/migrate.ts')
  migrateTo(client, path, Number(target), { now: 0, programVersion: 'bench' })
  client.run('PRAGMA wal_checkpoint(TRUNCATE)')
  client.close()
} else await main(Number(first))
