// Runs on PostgreSQL too.
import { expect, test } from 'bun:test'
import { temporaryLatchkey } from '../../testing/latchkey.ts'
import { run } from '../../testing/run.ts'

async function scene() {
  const home = await temporaryLatchkey()
  const { keys, usage } = home.latchkey
  for (const name of ['a', 'b', 'unused']) await keys.create({ name })
  for (const name of ['a', 'b']) {
    await usage.record(name, { inputTokens: 10, outputTokens: 2, costUsd: 0.5 })
    await usage.record(name, { inputTokens: 1, at: new Date('2026-11-19T12:00:00Z') })
  }
  return home
}

test('what is written together differs in nothing, also where minutes and hours are gone', async () => {
  await using home = await scene()
  const { usage } = home.latchkey
  const same = { ok: true, keys: 3, repaired: false, differences: [] }
  expect(await usage.check()).toEqual(same)
  home.clock.now = new Date('2027-11-20T12:00:00Z')
  await usage.record('a', { inputTokens: 3 })
  await usage.compact({ minutesForMs: 3_600_000, hoursForMs: 7_200_000 })
  await usage.record('a', { inputTokens: 3, at: new Date('2026-11-19T12:00:00Z') })
  expect(await usage.check()).toEqual(same)
  expect(await usage.check({ repair: true })).toEqual(same)
})

test('what an earlier system carried over belongs to the total', async () => {
  await using home = await scene()
  await home.query("INSERT INTO carried_usage SELECT id, -1, 50, 0, 0, 7, NULL FROM keys WHERE name = 'a'")
  await home.query('DELETE FROM minutes WHERE series = (SELECT min(id) FROM series)')
  expect((await home.latchkey.usage.check()).differences).toMatchObject([
    { total: { requests: 1, inputTokens: 61 }, recorded: { requests: -1, inputTokens: 50 } },
  ])
})

test('keys that were deleted are checked under the name that they had', async () => {
  await using home = await scene()
  const { keys, usage } = home.latchkey
  await keys.delete('a')
  expect(await usage.check()).toMatchObject({ ok: true, keys: 3 })
  await home.query('UPDATE days SET requests = requests + 1 WHERE series = (SELECT min(id) FROM series)')
  expect((await usage.check()).differences).toMatchObject([{ key: { name: 'a' } }])
})

const ofA = "series = (SELECT id FROM series WHERE key_id = (SELECT id FROM keys WHERE name = 'a'))"

const damages: readonly (readonly [string, ...string[]])[] = [
  ['a day', `UPDATE days SET requests = 7 WHERE ${ofA}`],
  ['a lost day', `DELETE FROM days WHERE ${ofA}`],
  ['a lost minute', `DELETE FROM minutes WHERE ${ofA}`],
  ['a lost hour', `DELETE FROM hours WHERE ${ofA}`],
  ['a changed minute', 'UPDATE minutes SET cost_micros = cost_micros + 1 WHERE output_tokens = 2'],
  ['a part', 'UPDATE hours SET cached_input_tokens = 1 WHERE output_tokens = 2'],
  [
    'a day of nothing',
    "INSERT INTO series (id, key_id) SELECT 9, id FROM keys WHERE name = 'unused'",
    `INSERT INTO days (series, start, model, other_tokens, last_at) VALUES (9, 20000, 1, 3, 1728000000000)`,
  ],
]

test.each(damages)(
  '%s is named, health fails, and a repair mends it with an audit row',
  async (_, ...damage) => {
    await using home = await scene()
    const { usage, audit } = home.latchkey
    for (const each of damage) await home.query(each)
    const found = await usage.check()
    expect(found.ok).toBe(false)
    const names = found.differences.map(({ key }) => key.name)
    expect(names).not.toBeEmpty()

    const health = await home.latchkey.health()
    const check = health.checks.find(({ name }) => name === 'usage')
    expect(check).toMatchObject({ status: 'failed', value: { keys: names } })
    expect(check?.mend).toContain('latchkey usage check --repair')
    expect(health).toMatchObject({ status: 'failed', damaged: true })

    expect(await home.dry.usage.check({ repair: true })).toMatchObject({ ok: true, repaired: true })
    expect((await usage.check()).ok).toBe(false)
    const mended = await usage.check({ repair: true })
    expect(mended).toMatchObject({ ok: true, repaired: true, differences: found.differences })
    expect((await usage.check()).differences).toEqual([])
    const trail = await audit.list({ action: 'usage.repair' })
    expect(trail.map(({ target }) => target.name ?? '').toSorted()).toEqual(names.toSorted())
    for (const { name } of found.differences.map(({ key }) => key)) {
      const [sum] = await usage.report({ key: name })
      expect((await home.latchkey.keys.stats(name)).totals.tokens).toBe(sum?.tokens ?? 0)
    }
  },
)

test('the command exits 0 or 7, and names keys and numbers', async () => {
  await using home = await scene()
  const options = { db: home.path, cwd: home.folder, now: home.clock.now }
  expect(await run('usage check', options)).toMatchObject({
    code: 0,
    out: 'The totals of 3 keys match the recorded usage\n',
  })
  await home.query(
    'UPDATE days SET input_tokens = 11 WHERE series = (SELECT max(id) FROM series) AND output_tokens = 2',
  )
  const found = await run('usage check', options)
  expect(found.code).toBe(7)
  expect(found.out).toContain('inputTokens 12, recorded 11')
  expect((await run('health --json', options)).code).toBe(7)
  const json = await run('usage check --json', options)
  expect(json.code).toBe(7)
  expect(Object.keys(json.json<object>())).toEqual(['ok', 'keys', 'repaired', 'differences'])
  expect((await run('usage check --repair', options)).code).toBe(0)
  expect((await run('usage check', options)).code).toBe(0)
})
