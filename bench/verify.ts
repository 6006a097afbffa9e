/** A verdict, compared with its minimum: SHA-256, the lookup of what decides, and the sum of its window. */
import type { Database } from 'bun:sqlite'
import { connectLatchkey } from '../src/index.ts'
import { day, fill, fixture, minute, minutes, place } from './fixture.ts'
import { best, each, type Row } from './rounds.ts'

const keys = 100_000
const bucketsPerKey = 10
const verdicts = 20_000
const monthlyKeys = 1_000

export async function rows(): Promise<readonly Row[]> {
  using made = await fixture(keys)
  const db = made.bare()
  const latchkey = connectLatchkey({ path: made.path })
  const monthly = await latchkey.keys.createMany(
    { name: 'monthly', limits: [{ metric: 'usd', amount: 1_000_000, windowMs: 30 * day }] },
    monthlyKeys,
  )
  await latchkey.close()
  db.run('BEGIN')
  for (const { id } of made.keys) fill(db, id, minutes(bucketsPerKey, 25))
  for (const { id } of monthly) fill(db, id, minutes(30, 1_440))
  db.run('COMMIT')
  db.run('PRAGMA wal_checkpoint(TRUNCATE)')

  const plain = bareVerifier(db)
  // The library uses memory-mapped reads. The reference can use them too, to see their effect.
  const mappedDb = made.bare()
  mappedDb.run('PRAGMA mmap_size = 268435456')
  const mapped = bareVerifier(mappedDb)
  // It only reads, so verdicts have a connection of their own.
  const reading = connectLatchkey({ path: made.path })
  const secrets = Array.from({ length: verdicts }, (_, n) => made.keys[place(n, keys)]!.secret!)
  const monthlySecrets = Array.from({ length: verdicts }, (_, n) => monthly[place(n, monthlyKeys)]!.secret!)
  const verifyAll = async (some: readonly string[]) => {
    for (const secret of some) if (!(await reading.keys.verify(secret)).valid) throw new Error('denied')
  }
  const times = await best(7, {
    floor: () => secrets.forEach(plain),
    mapped: () => secrets.forEach(mapped),
    verify: () => verifyAll(secrets),
    monthly: () => verifyAll(monthlySecrets),
  })
  await reading.close()
  return [
    {
      name: 'verify',
      ratio: times.floor / times.verify,
      bound: 0.9,
      better: 'higher',
      detail: `${each(times.verify, verdicts)} against ${each(times.floor, verdicts)} a verdict (${each(times.mapped, verdicts)} with mmap), ${keys.toLocaleString('en-US')} keys at random`,
    },
    {
      name: 'verify, usd/30d / tokens/5h',
      ratio: times.monthly / times.verify,
      bound: 1.5,
      better: 'lower',
      detail: `${each(times.monthly, verdicts)} against ${each(times.verify, verdicts)} a verdict, ${monthlyKeys.toLocaleString('en-US')} keys that were used on each of the days`,
    },
  ]
}

/**
 * What any verdict has to read and compare, in one snapshot and by the SQL that takes the least time here: the key with its
 * owner and project, its limits, what lies in their windows, and what is reserved. Names nothing that only a view shows.
 */
function bareVerifier(db: Database): (secret: string) => number {
  const begin = db.prepare('BEGIN')
  const end = db.prepare('ROLLBACK')
  const lookup = db.prepare<Found, [string]>(
    `SELECT k.id AS id, k.model AS model, k.allowed_models AS allowedModels, k.scopes AS scopes, k.expires_at AS expiresAt,
       k.disabled_at AS disabledAt, k.revoked_at AS revokedAt, k.user_id AS userId, k.project_id AS projectId,
       s.ends_at AS endsAt, u.disabled_at AS userDisabledAt, p.archived_at AS projectArchivedAt
     FROM secrets s JOIN keys k ON k.id = s.key_id
     LEFT JOIN users u ON u.id = k.user_id LEFT JOIN projects p ON p.id = k.project_id WHERE s.hash = +?`,
  )
  const limits = db.prepare<Limit, [string]>(
    'SELECT amount, window_ms AS windowMs, reset_at AS resetAt FROM limits WHERE key_id = ?',
  )
  const series = db.prepare<{ id: number }, [string]>(
    "SELECT id FROM series WHERE key_id = ? AND end_user = '' AND pending = 0",
  )
  const part = (width: string): string =>
    `(SELECT coalesce(sum(input_tokens + output_tokens + other_tokens), 0) FROM ${width} WHERE series = ? AND start >= ? AND start < ?)`
  const sum = db.prepare<{ used: number }, number[]>(
    `SELECT ${part('minutes')} + ${part('hours')} + ${part('minutes')}
       + (SELECT coalesce(sum(tokens), 0) FROM reservations WHERE series = ? AND expires_at > ?) AS used`,
  )
  return secret => {
    const now = Date.now()
    begin.run()
    const key = lookup.get(Bun.CryptoHasher.hash('sha256', secret, 'hex'))
    const ends = [key?.endsAt, key?.expiresAt]
    const shut = [key?.disabledAt, key?.revokedAt, key?.userDisabledAt, key?.projectArchivedAt]
    if (key === null || ends.some(at => at && at <= now) || shut.some(at => at)) throw new Error('denied')
    const { id } = series.get(key.id) ?? { id: 0 }
    let left = Number.POSITIVE_INFINITY
    for (const { amount, windowMs } of limits.all(key.id)) {
      const [from, until] = [now - windowMs, now + minute].map(at => Math.floor(at / minute)) as [
        number,
        number,
      ]
      const [firstHour, lastHour] = [Math.ceil(from / 60), Math.floor(until / 60)]
      const { used } = sum.get(
        ...[id, from, firstHour * 60],
        ...[id, firstHour, lastHour],
        ...[id, lastHour * 60, until],
        ...[id, now],
      )!
      left = Math.min(left, amount - used)
    }
    end.run()
    if (left <= 0) throw new Error('denied')
    return left
  }
}

interface Found {
  readonly id: string
  readonly expiresAt: number | null
  readonly disabledAt: number | null
  readonly revokedAt: number | null
  readonly endsAt: number | null
  readonly userDisabledAt: number | null
  readonly projectArchivedAt: number | null
}

interface Limit {
  readonly amount: number
  readonly windowMs: number
}
