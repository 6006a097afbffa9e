/** A verdict, compared with its minimum: SHA-256, the lookup of the key, and the sum of its window. */
import type { Database } from 'bun:sqlite'
import { connectLatchkey } from '../src/index.ts'
import { fill, fixture, hour, minute, minutes, place } from './fixture.ts'
import { best, each, type Row } from './rounds.ts'

const keys = 100_000
const bucketsPerKey = 10
const verdicts = 20_000

export async function rows(): Promise<readonly Row[]> {
  using made = await fixture(keys)
  const db = made.bare()
  db.run('BEGIN')
  for (const { id } of made.keys) fill(db, id, minutes(bucketsPerKey, 25))
  db.run('COMMIT')
  db.run('PRAGMA wal_checkpoint(TRUNCATE)')

  const plain = bareVerifier(db)
  // The library uses memory-mapped reads. The reference can use them too, to see their effect.
  const mappedDb = made.bare()
  mappedDb.run('PRAGMA mmap_size = 268435456')
  const mapped = bareVerifier(mappedDb)
  const latchkey = connectLatchkey({ path: made.path })
  const secrets = Array.from({ length: verdicts }, (_, n) => made.keys[place(n, keys)]!.secret!)
  const times = await best(7, {
    floor: () => secrets.forEach(plain),
    mapped: () => secrets.forEach(mapped),
    verify: async () => {
      for (const secret of secrets) {
        if (!(await latchkey.keys.verify(secret)).valid) throw new Error('denied')
      }
    },
  })
  await latchkey.close()
  return [
    {
      name: 'verify',
      ratio: times.floor / times.verify,
      bound: 0.6,
      better: 'higher',
      detail: `${each(times.verify, verdicts)} against ${each(times.floor, verdicts)} a verdict (${each(times.mapped, verdicts)} with mmap), ${keys.toLocaleString('en-US')} keys at random`,
    },
  ]
}

export function bareVerifier(db: Database): (secret: string) => number {
  const lookup = db.prepare<{ id: string; expires_at: number | null; revoked_at: number | null }, [string]>(
    'SELECT id, expires_at, disabled_at, revoked_at FROM keys WHERE id = (SELECT key_id FROM secrets WHERE hash = ? AND ends_at IS NULL)',
  )
  const sum = db.prepare<{ used: number }, [string, number, number]>(
    'SELECT coalesce(sum(input_tokens + output_tokens + other_tokens), 0) AS used FROM minutes WHERE series = (SELECT id FROM series WHERE key_id = ?) AND start > ? AND start <= ?',
  )
  return secret => {
    const found = lookup.get(Bun.CryptoHasher.hash('sha256', secret, 'hex'))
    const now = Date.now()
    const summed = found && sum.get(found.id, (now - 5 * hour) / minute, now / minute)
    if (summed === null) throw new Error('lost')
    return summed.used
  }
}
