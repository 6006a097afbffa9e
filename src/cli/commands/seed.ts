import { seeded } from '../../contract/views/database.ts'
import type { Seeded } from '../../contract/views.ts'
import { many } from '../../text/quantity.ts'
import { command, one, opt } from '../declare/define.ts'
import { integerAtLeast } from '../declare/parse.ts'
import { seedRows } from './seed/rows.ts'

const number = integerAtLeast(0)

export default command({
  effect: 'write',
  summary: 'Create made-up data in a new database',
  description:
    'For demonstrations and load tests. The same numbers and the same --random-seed always give the same rows, ids and times included; they begin at 2026-01-01. Organizations have members, teams, invitations, limits and projects. Nobody has the secrets of the keys: latchkey key rotate NAME gives one that can be used. A database that has data is refused, unless --force is given. All of it is one transaction.',
  examples: [
    'latchkey seed',
    'latchkey seed --users 50 --orgs 5 --projects 20 --keys 200 --chats 500 --days 30 --random-seed 42',
    'latchkey seed --size large --db load-test.db',
  ],
  options: {
    size: opt.choice(['small', 'large'], 'What the other numbers begin with (default: small)'),
    users: opt.as('n', number, 'How many users (default: 50, large: 100000)'),
    orgs: opt.as('n', number, 'How many organizations (default: 5, large: 1000)'),
    projects: opt.as('n', number, 'How many projects (default: 20, large: 2000)'),
    keys: opt.as('n', number, 'How many keys (default: 200, large: 5000)'),
    chats: opt.as('n', number, 'How many chats (default: 500, large: 100000 with 10 messages each)'),
    days: opt.as('n', integerAtLeast(1), 'Over how many days it is spread (default: 30)'),
    randomSeed: opt.as('n', number, 'Another number gives other data (default: 1)'),
    force: opt.flag('Also if the database has data'),
  },
  run: async (ctx, { size = 'small', force, randomSeed = 1, ...typed }) =>
    (await ctx.operations()).database.seed(seedRows(size, typed, randomSeed), { randomSeed, force }),
  prints: one(seeded, { done: made => `Made ${numbers(made)}` }),
  would: made => `make ${numbers(made)}`,
})

const numbers = (made: Seeded): string =>
  [
    many(made.users, 'user'),
    `${many(made.organizations, 'organization')} with ${many(made.teams, 'team')} and ${many(made.invitations, 'invitation')}`,
    many(made.projects, 'project'),
    `${many(made.keys, 'key')} with ${many(made.requests, 'request')}`,
    `${many(made.chats, 'chat')} with ${many(made.messages, 'message')}`,
  ].join(', ')
