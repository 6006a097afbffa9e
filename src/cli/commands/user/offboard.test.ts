/** What `user offboard` tells people before anything is done. */
import { expect, test } from 'bun:test'
import { temporaryLatchkey } from '../../../testing/latchkey.ts'
import { run } from '../../../testing/run.ts'

test('without an option it says in words what the user has, also in a dry run', async () => {
  await using home = await temporaryLatchkey()
  await home.latchkey.users.create({ username: 'bob' })
  for (const name of ['one', 'two']) await home.latchkey.keys.create({ name, user: 'bob' })
  await home.latchkey.projects.create({ name: 'Shop', owner: 'bob' })
  for (const flags of [[], ['--dry-run']]) {
    const { code, out } = await run(['user', 'offboard', 'bob', ...flags], { db: home.path })
    expect(code).toBe(0)
    expect(out).toMatch(
      /^bob \(usr_\w+\) has 1 project, 2 keys\. End it with --disable, --to USER or --delete\n$/,
    )
  }
})
