/** Creates an organisation from `organisation.ts` in a database, through the library. */
import type { CreatedKey } from '../contract/views.ts'
import type { Latchkey } from '../index.ts'
import { customerKey, type Organisation } from './organisation.ts'

const day = 86_400_000

/** @returns the created keys with their secrets, by name */
export async function plant(
  latchkey: Latchkey,
  { users, projects, keys, usage }: Organisation,
  now = new Date(),
): Promise<ReadonlyMap<string, CreatedKey>> {
  const daysFromNow = (days: number) => new Date(now.getTime() + days * day)
  for (const user of users) await latchkey.users.create(user)
  for (const project of projects) await latchkey.projects.create(project)
  const made = new Map<string, CreatedKey>()
  for (const { expiresInDays, ...key } of keys) {
    const expiresAt = expiresInDays === undefined ? undefined : daysFromNow(expiresInDays)
    made.set(key.name, await latchkey.keys.create({ ...key, expiresAt }))
  }
  for (const { key, daysAgo, ...used } of usage) {
    await latchkey.usage.record(key, { ...used, at: daysFromNow(-daysAgo) })
  }
  return made
}

/** The keys of this many customers, which differ only in their names. */
export async function plantCustomers(latchkey: Latchkey, count: number): Promise<readonly CreatedKey[]> {
  const made: CreatedKey[] = []
  for (let from = 0; from < count; from += mostAtOnce) {
    const key = { ...customerKey, name: `${customerKey.name}-${from}` }
    made.push(...(await latchkey.keys.createMany(key, Math.min(mostAtOnce, count - from))))
  }
  return made
}

/** What one call creates. */
const mostAtOnce = 10_000
