import { afterEach, expect, test } from 'bun:test'
import { rmSync } from 'node:fs'
import type { RevivedSecret } from '../../../../contract/views.ts'
import type { Latchkey } from '../../../../index.ts'
import { failure } from '../../../../testing/failure.ts'
import { type TestLatchkey, temporaryLatchkey } from '../../../../testing/latchkey.ts'

let scene: TestLatchkey
afterEach(() => scene[Symbol.asyncDispose]())

/** How a secret ends, and what each verdict says then. */
const endings: Readonly<
  Record<RevivedSecret['because'], (latchkey: Latchkey, key: string) => Promise<unknown>>
> = {
  revoked: (latchkey, key) => latchkey.keys.revoke(key, { reason: 'leaked' }),
  rotated: (latchkey, key) => latchkey.keys.rotate(key),
  expired: (latchkey, key) => latchkey.keys.update(key, { expiresAt: new Date('2026-11-20T12:00:01Z') }),
  disabled: (latchkey, key) => latchkey.keys.disable(key),
  user_disabled: latchkey => latchkey.users.disable('alice'),
  project_archived: latchkey => latchkey.projects.archive('shop'),
  missing: (latchkey, key) => latchkey.keys.delete(key),
}
const reasons = Object.keys(endings).sort() as RevivedSecret['because'][]

/** A key for each ending, one that goes on working and one that is created later; a backup; then the endings. */
async function begin() {
  scene = await temporaryLatchkey()
  const { latchkey, dry } = scene
  await latchkey.users.create({ username: 'alice' })
  await latchkey.users.create({ username: 'bob' })
  await latchkey.projects.create({ name: 'Shop', owner: 'bob' })
  const secrets: Record<string, string> = {}
  for (const name of [...reasons, 'works']) {
    const user = name === 'user_disabled' ? { user: 'alice' } : {}
    const project = name === 'project_archived' ? { project: 'shop' } : {}
    secrets[name] = (await latchkey.keys.create({ name, ...user, ...project })).secret ?? ''
  }
  await latchkey.backups.create()
  for (const [name, end] of Object.entries(endings)) await end(latchkey, name)
  scene.clock.now = new Date('2026-11-20T12:00:01Z')
  const verdicts = async () => {
    const found = Object.entries(secrets).map(
      async ([name, secret]) => [name, (await latchkey.keys.verify(secret)).code] as const,
    )
    return Object.fromEntries(await Promise.all(found))
  }
  return { latchkey, dry, verdicts }
}

const listed = (revived: readonly RevivedSecret[] | null) =>
  revived?.map(({ key, because, ended }) => [key.name, because, ended])

test('every secret that would work again is listed beforehand, with the reason it does not work now', async () => {
  const { latchkey, dry, verdicts } = await begin()
  const expected = reasons.map(reason => [reason, reason, false])
  expect(listed((await latchkey.backups.restorable({ latest: true })).revived)).toEqual(expected)
  expect(listed((await dry.backups.restore({ latest: true })).revived)).toEqual(expected)
  const { revived } = await latchkey.backups.restore({ latest: true, inPlace: true })
  expect(listed(revived)).toEqual(expected)
  expect(Object.values(await verdicts())).toEqual(Array(8).fill('valid'))
})

test('kept revocations end every one of them in the restored database, each by what had ended it', async () => {
  const { latchkey, verdicts } = await begin()
  const { revived } = await latchkey.backups.restore({ latest: true, inPlace: true, keepRevocations: true })
  expect(listed(revived)).toEqual(reasons.map(reason => [reason, reason, true]))
  expect(await verdicts()).toEqual({
    ...Object.fromEntries(reasons.map(reason => [reason, reason])),
    missing: 'revoked',
    works: 'valid',
  })
  expect((await latchkey.keys.get('revoked')).revokedReason).toBe('leaked')
  const [row] = await latchkey.audit.list({ action: 'database.restore' })
  expect(row?.after).toMatchObject({ ended: { length: reasons.length } })
  expect(
    listed((await latchkey.backups.restore({ latest: true, inPlace: true, keepRevocations: true })).revived),
  ).toHaveLength(reasons.length)
})

test('revocations that nobody can read are not said to be kept', async () => {
  const { latchkey } = await begin()
  await latchkey.close()
  rmSync(scene.path)
  const error = await failure(latchkey.backups.restore({ latest: true, keepRevocations: true }))
  expect(error.code).toBe('database_missing')
  expect((await latchkey.backups.restore({ latest: true })).revived).toBeNull()
})
