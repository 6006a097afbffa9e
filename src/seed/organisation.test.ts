import { expect, test } from 'bun:test'
import { temporaryLatchkey } from '../testing/latchkey.ts'
import { organisation } from './organisation.ts'
import { plant } from './plant.ts'

test('the same size gives the same, a larger one the same people first', () => {
  expect(organisation(50)).toEqual(organisation(50))
  expect(organisation(50).users.slice(0, 7)).toEqual([...organisation(7).users])
})

test.each([1, 3, 30])('an organisation of %d is made as it is described', async size => {
  await using home = await temporaryLatchkey()
  const { latchkey } = home
  const described = organisation(size)
  const made = await plant(latchkey, described, home.clock.now)
  expect(made.size).toBe(described.keys.length)
  expect((await latchkey.users.list()).map(({ username }) => username).sort()).toEqual(
    described.users.map(({ username }) => username).sort(),
  )
  expect(await latchkey.projects.list()).toHaveLength(described.projects.length)
  const { totals } = await latchkey.keys.stats('ci')
  expect(totals).toMatchObject({ requests: 4, inputTokens: 82_200, outputTokens: 15_800 })
  const stats = await Promise.all(described.keys.map(({ name }) => latchkey.keys.stats(name)))
  expect(stats.reduce((sum, { totals: { requests } }) => sum + requests, 0)).toBe(described.usage.length)
  expect((await latchkey.usage.check()).ok).toBe(true)
})
