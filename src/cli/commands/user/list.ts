import { user } from '../../../contract/views/people.ts'
import { roles, userStatuses } from '../../../contract/views/words.ts'
import { command, opt, rows } from '../../declare/define.ts'
import { paging } from '../thing.ts'

export default command({
  effect: 'read',
  summary: 'List users, oldest first',
  description: 'To page, give the last user of a page as --after USER.',
  examples: [
    'latchkey user list',
    'latchkey user list --role admin --json',
    'latchkey user list --status disabled',
    'latchkey user list --search example.org -q',
  ],
  options: {
    role: opt.choice(roles, 'Only users with this role'),
    service: opt.flag('Only service accounts'),
    status: opt.choice(userStatuses, 'Only users with this status'),
    disabled: opt.hidden(opt.flag('Same as --status disabled')),
    search: opt.text('text', 'Only users whose username, email address or name contains this'),
    ...paging('user'),
  },
  run: async (ctx, { service, disabled, ...page }) =>
    (await ctx.operations()).users.stream({
      ...page,
      service: service || undefined,
      disabled: disabled || undefined,
    }),
  prints: rows(user, {
    columns: [
      { title: 'username', cell: user => user.username, whole: true },
      { title: 'email', cell: user => user.email ?? '' },
      { title: 'name', cell: user => user.name ?? '', importance: 'low', hideEmpty: true, spare: 'last' },
      { title: 'role', cell: user => (user.service ? `${user.role}, service` : user.role) },
      {
        title: 'status',
        cell: (user, brush) => (user.status === 'active' ? brush.good : brush.bad)(user.status),
        whole: true,
      },
      { title: 'created', time: user => user.createdAt },
      { title: 'id', cell: user => user.id, wide: true },
    ],
    empty: 'No users. Create one with: latchkey user create alice --email alice@example.org',
    noMatch: 'No users match. List all with: latchkey user list',
  }),
})
