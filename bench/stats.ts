/** `key stats` of a key with a million buckets, compared with one that has a thousand. Old usage must not slow it down. */
import { connectLatchkey } from '../src/index.ts'
import { fill, fixture, minute, minutes } from './fixture.ts'
import { best, type Row } from './rounds.ts'

const few = 1_000
const many = 1_000_000
const times = 50

/** Both have the same recent usage: their latest thousand buckets are equal. */
export async function rows(): Promise<readonly Row[]> {
  using made = await fixture(2)
  const [young, old] = made.keys
  const db = made.bare()
  db.run('BEGIN')
  const before = Date.now() - 20 * 24 * 60 * minute
  fill(db, old!.id, minutes(many - few, 1, before))
  fill(db, old!.id, minutes(few, 15))
  fill(db, young!.id, minutes(few, 15))
  db.run('COMMIT')
  db.run('PRAGMA wal_checkpoint(TRUNCATE)')
  const latchkey = connectLatchkey({ path: made.path, access: 'read' })
  const stats = (id: string) => async () => {
    for (let n = 0; n < times; n++) await latchkey.keys.stats(id)
  }
  const taken = await best(9, { young: stats(young!.id), old: stats(old!.id) })
  await latchkey.close()
  const ms = (all: number) => `${(all / times).toFixed(2)} ms`
  return [
    {
      name: 'key stats, 1,000,000 buckets',
      ratio: taken.old / taken.young,
      bound: 1.5,
      better: 'lower',
      detail: `${ms(taken.old)} against ${ms(taken.young)} with 1,000 buckets`,
    },
  ]
}
