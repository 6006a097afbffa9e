/** A verdict about a key that is busy each minute, by the length of its window, compared with one of 5 hours. */
import { connectLatchkey, type NewLimit } from '../src/index.ts'
import { busyYear, day, fixture, hour } from './fixture.ts'
import { best, each, type Row } from './rounds.ts'

const verdicts = 500
const models = ['gpt-4o', 'claude-opus']

const limit = (windowMs: number, models?: string): NewLimit => ({
  metric: 'tokens',
  amount: 1_000_000_000,
  windowMs,
  models,
})

const windows = {
  '5 h': limit(5 * hour),
  '1 d': limit(day),
  '7 d': limit(7 * day),
  '30 d': limit(30 * day),
  '366 d': limit(366 * day),
  '5 h@gpt-*': limit(5 * hour, 'gpt-*'),
  '30 d@gpt-*': limit(30 * day, 'gpt-*'),
} as const
type Window = keyof typeof windows

/** Each window has a key of its own with the same usage. */
export async function rows(): Promise<readonly Row[]> {
  using made = await fixture(0)
  const latchkey = connectLatchkey({ path: made.path })
  const names = Object.keys(windows) as Window[]
  const works = {} as Record<Window, () => Promise<void>>
  const db = made.bare()
  for (const name of names) {
    const { id, secret } = await latchkey.keys.create({ name, limits: [windows[name]] })
    busyYear(db, id, models)
    works[name] = async () => {
      for (let n = 0; n < verdicts; n++) {
        if (!(await latchkey.keys.verify(secret!, { model: 'gpt-4o' })).valid) throw new Error('denied')
      }
    }
  }
  db.run('PRAGMA wal_checkpoint(TRUNCATE)')
  const times = await best(25, works)
  await latchkey.close()
  return names.slice(1).map(name => ({
    name: `verify, busy key, ${name} window / 5 h`,
    ratio: times[name] / times['5 h'],
    bound: 1.5,
    better: 'lower',
    detail: `${each(times[name], verdicts)} against ${each(times['5 h'], verdicts)} a verdict, a year of use in each minute and ${models.length} models`,
  }))
}
