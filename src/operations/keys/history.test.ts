// Runs on PostgreSQL too.
/** What was used stays with whom it was used for, whatever becomes of the key. */
import { expect, test } from 'bun:test'
import { temporaryLatchkey } from '../../testing/latchkey.ts'

const month = 30 * 86_400_000

async function scene() {
  const home = await temporaryLatchkey('2026-11-20T12:00:00Z')
  const { latchkey } = home
  const limits = [{ metric: 'tokens', amount: 1_000, windowMs: month }] as const
  for (const username of ['ann', 'ben']) {
    await latchkey.users.create({ username, limits })
    await latchkey.projects.create({ name: `of-${username}`, owner: username, limits })
  }
  await latchkey.keys.create({ name: 'ci', user: 'ann', project: 'of-ann' })
  await latchkey.usage.record('ci', { inputTokens: 10, at: new Date('2026-10-30T12:00:00Z') })
  await latchkey.usage.record('ci', { inputTokens: 5 })
  const used = async () => {
    const states = []
    for (const name of ['ann', 'ben'])
      for (const subject of [{ user: name }, { project: `of-${name}` }])
        states.push(...(await latchkey.limits.list(subject)))
    return states.map(state => state.used)
  }
  const october = () =>
    latchkey.usage.report({ by: ['user', 'project'], until: new Date('2026-11-01T00:00:00Z') })
  return { home, latchkey, used, october }
}

test('a key that moves leaves what it used: reports and limits of both users and projects', async () => {
  const { home, latchkey, used, october } = await scene()
  await using _ = home
  const before = await october()
  expect(before).toMatchObject([{ user: { username: 'ann' }, project: { slug: 'of-ann' }, tokens: 10 }])
  await latchkey.keys.update('ci', { user: 'ben', project: 'of-ben' })
  expect(await october()).toEqual(before)
  expect(await used()).toEqual([15, 15, 0, 0])
  await latchkey.usage.record('ci', { inputTokens: 2 })
  expect(await used()).toEqual([15, 15, 2, 2])
  expect((await latchkey.keys.stats('ci')).totals.tokens).toBe(17)
  await latchkey.keys.update('ci', { user: 'ann', project: 'of-ann' })
  await latchkey.usage.record('ci', { inputTokens: 1 })
  expect(await used()).toEqual([16, 16, 2, 2])
  expect(await october()).toEqual(before)
})

test('a key, project and user that are deleted stay in reports by their names, and count', async () => {
  const { home, latchkey, used, october } = await scene()
  await using _ = home
  const before = await october()
  await latchkey.keys.delete('ci')
  expect(await october()).toEqual(before)
  expect(await used()).toEqual([15, 15, 0, 0])
  await latchkey.projects.delete('of-ann')
  await latchkey.users.delete('ann')
  expect(await october()).toEqual(before)
  await latchkey.users.delete('ben').catch(() => undefined)
  // A key of the same name is another one.
  await latchkey.keys.create({ name: 'ci', user: 'ben' })
  expect((await latchkey.keys.stats('ci')).totals.tokens).toBe(0)
  expect(await october()).toEqual(before)
})

test('a key that is imported again under its id has what the file says, with what is stored of it', async () => {
  const { home, latchkey, october } = await scene()
  await using _ = home
  const before = await october()
  const rows = []
  for await (const key of latchkey.keys.export()) rows.push(key)
  await latchkey.usage.record('ci', { inputTokens: 4 })
  const { totals } = await latchkey.keys.stats('ci')
  await latchkey.keys.delete('ci')
  const text = JSON.stringify(rows[0])
  await latchkey.keys.import({ file: 'keys.ndjson', chunks: new Blob([text]).stream() })
  expect((await latchkey.keys.stats('ci')).totals).toEqual(totals)
  expect(await october()).toEqual(before)
  expect((await latchkey.usage.check()).ok).toBe(true)
})
