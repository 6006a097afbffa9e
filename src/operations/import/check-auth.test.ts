// Runs on PostgreSQL too.
/** What a check of people finds, in an application on the real Better Auth and here. */
import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { application, populate } from '../../testing/better-auth/application.ts'
import { onPostgres, temporaryLatchkey } from '../../testing/latchkey.ts'
import { temporaryMariadb } from '../../testing/mariadb.ts'
import { requireTool } from '../../testing/tools.ts'

test('an application without faults has no findings, and every fault is found with what mends it', async () => {
  await using home = await temporaryLatchkey(new Date().toISOString())
  const { latchkey, folder } = home
  const file = join(folder, 'auth.db')
  await using app = await application('kysely', file)
  const { ada, bob, evil, org } = await populate(app, 'kysely')
  await app.run(`UPDATE apikey SET enabled = 0 WHERE id = '${evil.id}'`)
  expect(await latchkey.auth.check({ file })).toMatchObject({ ok: true, users: 3, findings: [] })

  const { adapter } = await app.auth.$context
  const createdAt = new Date()
  await app.run('PRAGMA foreign_keys = OFF')
  await app.run(`UPDATE apikey SET enabled = 1 WHERE id = '${evil.id}'`)
  await app.run("UPDATE member SET role = 'member'")
  const again = await adapter.create<Record<string, unknown>, { id: string }>({
    model: 'member',
    data: { organizationId: org.id, userId: bob.user.id, role: 'admin', createdAt },
  })
  await app.run(`UPDATE session SET "userId" = 'nobody' WHERE token = '${ada.token}'`)
  await app.run(`UPDATE account SET "providerId" = '' WHERE "providerId" = 'github'`)
  const report = await latchkey.auth.check({ file })
  expect(report.findings.map(({ kind, table }) => `${kind} ${table}`).sort()).toEqual([
    'duplicate_member member',
    'missing_issuer account',
    'orphan session',
    'ownerless organization',
    'shut_out_key apikey',
  ])
  expect(report.ok).toBe(false)
  expect(report.findings).toContainEqual({
    kind: 'duplicate_member',
    table: 'member',
    id: again.id,
    problem: `its user ${bob.user.id} is a member of acme by another row too`,
    mend: `DELETE FROM "member" WHERE id = '${again.id}'`,
  })
  // What it says mends it.
  for (const { mend } of report.findings) await app.run(mend)
  expect(await latchkey.auth.check({ file })).toMatchObject({ ok: true, findings: [] })
})

requireTool('mariadbd')('what mends a finding can be typed into MySQL, and mends it', async () => {
  await using home = await temporaryLatchkey(new Date().toISOString())
  await using server = await temporaryMariadb(join(home.folder, 'mariadb'))
  await using app = await application('mysql', server.url)
  const { ada, evil } = await populate(app, 'mysql')
  const check = () => home.latchkey.auth.check({ file: server.url })
  await app.run(`UPDATE apikeys SET enabled = 0 WHERE id = '${evil.id}'`)
  expect(await check()).toMatchObject({ ok: true, users: 3, findings: [] })
  await app.run(`UPDATE sessions SET user_id = 'nobody' WHERE token = '${ada.token}'`)
  const { findings } = await check()
  expect(findings.map(({ kind, mend }) => `${kind}: ${mend.split(' WHERE ')[0]}`)).toEqual([
    'orphan: DELETE FROM `sessions`',
  ])
  for (const { mend } of findings) await app.run(mend)
  expect(await check()).toMatchObject({ ok: true, findings: [] })
})

test('here an organization whose owner was disabled and a key of a disabled user are found', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey, query } = home
  await latchkey.users.create({ username: 'ada' })
  await latchkey.users.create({ username: 'bob' })
  await latchkey.organizations.create({ name: 'Acme', owner: 'ada' })
  await latchkey.keys.create({ name: 'ci', user: 'bob' })
  expect(await latchkey.auth.check()).toMatchObject({ source: null, ok: true, findings: [] })
  await latchkey.users.disable('bob')
  // Only another program can do that.
  await query('UPDATE users SET disabled_at = 1')
  const { findings } = await latchkey.auth.check()
  expect(findings.map(({ kind, table, mend }) => [kind, table, mend.replace(/_\w{26}/, '')])).toEqual([
    ['ownerless', 'organizations', 'latchkey org member add org USER --role owner'],
    ['shut_out_key', 'keys', 'latchkey key revoke key'],
  ])
})

if (!onPostgres) {
  test('the database itself is no source', async () => {
    await using home = await temporaryLatchkey()
    expect(home.latchkey.auth.check({ file: home.path })).rejects.toMatchObject({ code: 'invalid' })
  })
}
