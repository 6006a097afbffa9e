/** How lists are narrowed and ordered, as somebody types it. */
import { expect, test } from 'bun:test'
import type { User } from '../../contract/views.ts'
import { temporaryLatchkey } from '../../testing/latchkey.ts'
import { run } from '../../testing/run.ts'

async function home() {
  const home = await temporaryLatchkey('2026-11-20T12:00:00Z')
  return {
    ...home,
    type: (line: string) => run(line, { db: home.path, cwd: home.folder, now: () => home.clock.now }),
    [Symbol.asyncDispose]: () => home[Symbol.asyncDispose](),
  }
}

test('users are found by --status, which their JSON has; the earlier spelling is understood and not shown', async () => {
  await using at = await home()
  for (const username of ['alice', 'bob']) await at.latchkey.users.create({ username })
  await at.latchkey.users.disable('bob')
  const statuses = async (line: string) =>
    (await at.type(line)).json<User[]>().map(({ username, status }) => `${username} ${status}`)
  expect(await statuses('user list --json')).toEqual(['alice active', 'bob disabled'])
  expect(await statuses('user list --status active --json')).toEqual(['alice active'])
  expect(await statuses('user list --status disabled --json')).toEqual(['bob disabled'])
  expect(await statuses('user list --disabled --json')).toEqual(['bob disabled'])
  const help = (await at.type('user list --help')).out
  expect(help).toContain('--status')
  expect(help).not.toContain('--disabled')
  expect((await at.type('man user list')).out).not.toContain('disabled users')
  expect((await at.type('user list --status disbled')).err).toContain('disabled')
})
