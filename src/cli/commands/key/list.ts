import { key, keyStatuses } from '../../../contract/views.ts'
import { command, opt } from '../../define.ts'
import { keyStatus } from '../../drawing.ts'
import { duration } from '../../parse.ts'

export default command({
  name: 'list',
  effect: 'read',
  summary: 'List keys, oldest first',
  examples: [
    'latchkey key list',
    'latchkey key list --status active --expires-within 14d -q',
    'latchkey key list --user alice --project shop --json',
    'latchkey key list --search ci -o csv --fields id,name,status,lastUsedAt',
  ],
  options: {
    status: opt.choice(keyStatuses, 'Only keys with this status'),
    user: opt.text('user', 'Only keys of this user'),
    project: opt.text('project', 'Only keys of this project'),
    expiresWithin: opt.as('duration', duration, 'Only keys that are about to expire'),
    search: opt.text('text', 'Only keys whose name holds this'),
  },
  run: async (ctx, { expiresWithin, ...filter }) =>
    (await ctx.operations()).keys.list({ ...filter, expiresWithinMs: expiresWithin }),
  rows: key,
  columns: [
    { title: 'name', cell: key => key.name },
    { title: 'start', cell: key => key.start },
    { title: 'status', cell: (key, brush) => keyStatus(key.status, brush) },
    { title: 'user', cell: key => key.user?.username ?? '' },
    { title: 'project', cell: key => key.project?.slug ?? '' },
    { title: 'expires', cell: (key, brush) => brush.time(key.expiresAt) },
    { title: 'last used', cell: (key, brush) => brush.time(key.lastUsedAt) },
    { title: 'model', cell: key => key.model ?? '', wide: true },
    { title: 'scopes', cell: key => key.scopes.join(' '), wide: true },
    { title: 'created', cell: (key, brush) => brush.time(key.createdAt), wide: true },
    { title: 'id', cell: key => key.id, wide: true },
  ],
  empty: 'No keys. Create one with: latchkey key create ci',
})
