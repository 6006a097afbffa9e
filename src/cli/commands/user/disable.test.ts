// Runs on PostgreSQL too.
import { expect, test } from 'bun:test'
import { temporaryLatchkey } from '../../../testing/latchkey.ts'
import { run } from '../../../testing/run.ts'

test('the end is always shown, and what differs if the user was disabled already', async () => {
  await using home = await temporaryLatchkey('2026-11-20T12:00:00Z')
  await home.latchkey.users.create({ username: 'bob' })
  const at = { db: home.path, now: new Date('2026-11-20T12:00:00Z'), env: { TZ: 'UTC' } }
  const tail = ': their keys answer user_disabled. Undo: latchkey user enable bob'
  for (const [words, told] of [
    [
      '--until 14d --dry-run',
      'Would disable user bob until 2026-12-04 12:00: their keys would stop working\n',
    ],
    ['--until 14d', `Disabled bob until 2026-12-04 12:00${tail}\n`],
    ['--reason later', `Disabled bob until 2026-12-04 12:00${tail}\n  disabled reason none → later\n`],
    [
      '--until 21d',
      `Disabled bob until 2026-12-11 12:00${tail}\n  disabled until 2026-12-04 12:00 → 2026-12-11 12:00\n`,
    ],
    ['--until never', `Disabled bob${tail}\n  disabled until 2026-12-11 12:00 → none\n`],
    ['--no-until --no-reason', `Disabled bob${tail}\n  disabled reason later → none\n`],
    ['--no-until', expect.stringMatching(/^Unchanged: user bob \(usr_/)],
  ] as const) {
    const { code, out } = await run(`user disable bob ${words}`, at)
    expect([words, code, out]).toEqual([words, 0, told])
  }
})
