// Runs on PostgreSQL too.
import { expect, test } from 'bun:test'
import { keyStatuses } from '../../contract/views/words.ts'
import { temporaryLatchkey } from '../../testing/latchkey.ts'
import { run } from '../../testing/run.ts'
import { statusOf } from './status.ts'

const now = Date.parse('2026-11-20T12:00:00Z')
const moments = [null, now - 86_400_000, now - 1, now, now + 1, Date.parse('2099-01-01T00:00:00Z')]

test('what a list selects by status is what a key says of itself, whatever its dates', async () => {
  await using home = await temporaryLatchkey('2026-11-20T12:00:00Z')
  const { latchkey } = home
  for (const username of ['open', 'shut', 'over', 'later']) await latchkey.users.create({ username })
  await latchkey.users.disable('shut')
  await latchkey.users.disable('later', { until: new Date(now + 1) })
  for (const name of ['Live', 'Archived']) await latchkey.projects.create({ name, owner: 'open' })
  await latchkey.projects.archive('archived')
  const owners = [
    {},
    { user: 'open' },
    { user: 'shut' },
    { user: 'later' },
    { user: 'over' },
    { project: 'live' },
    { project: 'archived' },
  ] as const
  const both = [...owners, { user: 'shut', project: 'archived' }] as const
  const created = []
  for (const [n, owner] of both.entries())
    created.push(...(await latchkey.keys.createMany({ name: `k${n}`, ...owner }, moments.length ** 3)))
  // Ended at this millisecond.
  await home.query(
    `UPDATE users SET disabled_at = ${now - 9}, disabled_until = ${now} WHERE username = 'over'`,
  )
  const wanted = new Map<string, string>()
  let next = 0
  for (const owner of both)
    for (const revokedAt of moments)
      for (const expiresAt of moments)
        for (const disabledAt of moments) {
          const { id } = created[next++]!
          await home.query(
            `UPDATE keys SET revoked_at = ${revokedAt}, expires_at = ${expiresAt}, disabled_at = ${disabledAt} WHERE id = '${id}'`,
          )
          const userDisabledAt = 'user' in owner && ['shut', 'later'].includes(owner.user) ? now : null
          const projectArchivedAt = 'project' in owner && owner.project === 'archived' ? now : null
          const userDisabledUntil = null
          const marks = {
            revokedAt,
            expiresAt,
            disabledAt,
            userDisabledAt,
            userDisabledUntil,
            projectArchivedAt,
          }
          wanted.set(id, statusOf(marks, home.clock.now))
        }
  const shown = await latchkey.keys.list()
  expect(new Map(shown.map(key => [key.id, key.status as string]))).toEqual(wanted)
  const { keys: counted } = await latchkey.inventory()
  for (const status of keyStatuses) {
    const ids = [...wanted].filter(([, each]) => each === status).map(([id]) => id)
    expect(ids.length).toBeGreaterThan(0)
    expect((await latchkey.keys.list({ status })).map(key => key.id)).toEqual(ids)
    expect(counted[status]).toBe(ids.length)
  }
  // The verdict and the search for leaks judge by the same rule.
  const secrets = created.map(key => key.secret!)
  const text = new TextEncoder().encode(secrets.join('\n'))
  const found = await latchkey.keys.identify(
    (async function* () {
      yield text
    })(),
  )
  for (const [index, key] of created.entries()) {
    const status = wanted.get(key.id)
    const { code } = await latchkey.keys.verify(key.secret!)
    expect(code).toBe((status === 'active' ? 'valid' : status) as never)
    expect(found[index]).toMatchObject({ status, live: status === 'active' })
  }
})

test('the keys of a disabled user and of an archived project are not active, wherever they are shown', async () => {
  await using home = await temporaryLatchkey('2026-11-20T12:00:00Z')
  const { latchkey } = home
  await latchkey.users.create({ username: 'alice' })
  await latchkey.projects.create({ name: 'Shop', owner: 'alice' })
  await latchkey.keys.create({ name: 'hers', user: 'alice', project: 'shop' })
  await latchkey.keys.create({ name: 'shops', project: 'shop' })
  await latchkey.keys.create({ name: 'off', user: 'alice' })
  await latchkey.keys.disable('off')
  await latchkey.users.disable('alice')
  await latchkey.projects.archive('shop')
  const statuses = { hers: 'user_disabled', shops: 'project_archived', off: 'disabled' } as const
  for (const [name, status] of Object.entries(statuses)) {
    expect((await latchkey.keys.get(name)).status).toBe(status)
    expect((await latchkey.keys.stats(name)).key.status).toBe(status)
    expect((await latchkey.keys.list({ status })).map(key => key.name)).toEqual([name])
  }
  expect(await latchkey.keys.list({ status: 'active' })).toEqual([])
  const type = (line: string) => run(line, { db: home.path, now: home.clock.now })
  expect((await type('key list')).out).toMatch(/hers .* user disabled .*\nshops .* project archived /)
  expect((await type('key show hers')).out).toMatch(/\nstatus +user disabled\n/)
  expect((await type('key stats hers')).out).toContain('user disabled')
  expect((await type('key list --status user_disabled -q')).out.trim()).toStartWith('key_')
  await latchkey.users.enable('alice')
  await latchkey.projects.unarchive('shop')
  expect((await latchkey.keys.list({ status: 'active' })).map(key => key.name)).toEqual(['hers', 'shops'])
})

test('shutting something out holds even when the clock that dated it was ahead', async () => {
  await using home = await temporaryLatchkey('2026-11-20T12:00:00Z')
  const { latchkey, clock } = home
  await latchkey.users.create({ username: 'alice' })
  await latchkey.projects.create({ name: 'Shop', owner: 'alice' })
  const secretOf = async (name: string, more: object = {}) =>
    (await latchkey.keys.create({ name, ...more })).secret!
  const disabled = await secretOf('disabled')
  const revoked = await secretOf('revoked')
  const hers = await secretOf('hers', { user: 'alice' })
  const shops = await secretOf('shops', { project: 'shop' })
  clock.now = new Date('2099-01-01T00:00:00Z')
  await latchkey.keys.disable('disabled')
  await latchkey.keys.revoke('revoked')
  await latchkey.users.disable('alice')
  await latchkey.projects.archive('shop')
  clock.now = new Date('2026-11-20T12:00:01Z')
  const codes = []
  for (const secret of [disabled, revoked, hers, shops]) codes.push((await latchkey.keys.verify(secret)).code)
  expect(codes).toEqual(['disabled', 'revoked', 'user_disabled', 'project_archived'])
})
