// Runs on PostgreSQL too.
/** Undoing an import after what it made was put to use here. */
import { expect, test } from 'bun:test'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { failure } from '../../testing/failure.ts'
import { type TestLatchkey, temporaryLatchkey } from '../../testing/latchkey.ts'

async function importUsers({ latchkey, folder }: TestLatchkey, users: readonly object[]) {
  const dump = join(folder, 'dump')
  mkdirSync(dump, { recursive: true })
  writeFileSync(join(dump, 'users.json'), JSON.stringify(users))
  return latchkey.imports.dokify({ file: dump })
}

const outcomes = (items: readonly { name: string; outcome: string; reason: string | null }[]) =>
  items.map(({ name, outcome, reason }) => [name, outcome, reason])

test('two users get each other’s names back', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey } = home
  const [ada, eve] = [
    { id: '1', email: 'ada@example.org' },
    { id: '2', email: 'eve@example.org' },
  ]
  await importUsers(home, [ada, eve])
  const before = await latchkey.users.list()
  // The first takes a third name, which sets its own free for the other.
  const { id } = await importUsers(home, [
    { ...ada, email: 'zoe@example.org' },
    { ...eve, email: 'ada@example.org' },
  ])
  expect((await latchkey.users.list()).map(user => user.username)).toEqual(['zoe', 'ada'])
  expect(await latchkey.imports.undo(id!)).toMatchObject({ reverted: 2, kept: 0 })
  expect(await latchkey.users.list()).toEqual(before)
})

test('a user who owns something here stays, and so does whoever had the name before', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey } = home
  const ada = { id: '1', email: 'ada@example.org' }
  await importUsers(home, [ada])
  const { id } = await importUsers(home, [
    { ...ada, email: 'eve@example.org' },
    { id: '2', email: 'ada@example.com' },
  ])
  await latchkey.keys.create({ name: 'local', user: 'ada' })
  const refused = await failure(latchkey.imports.undo(id!))
  expect(refused.code).toBe('conflict')
  expect(refused.message).toContain('user ada (local belongs to it)')
  const { items } = await latchkey.imports.undo(id!, { keepChanged: true })
  expect(outcomes(items).toSorted()).toEqual([
    ['ada', 'kept', 'local belongs to it'],
    ['eve', 'kept', 'its earlier username is taken now'],
  ])
  expect((await latchkey.users.list()).map(user => user.username)).toEqual(['eve', 'ada'])
})
