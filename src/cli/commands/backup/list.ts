import { backup } from '../../../contract/views.ts'
import { command, opt } from '../../define.ts'

export default command({
  name: 'list',
  effect: 'read',
  summary: 'List backups, newest first',
  examples: ['latchkey backup list', 'latchkey backup list --from /var/backups/latchkey --json'],
  options: { from: opt.text('folder', 'Where to look (default: backup_dir of the configuration)') },
  run: async (ctx, { from }) =>
    (await ctx.operations()).backups.list({ from: from === undefined ? undefined : ctx.path(from) }),
  rows: backup,
  columns: [
    { title: 'taken', cell: (backup, brush) => brush.time(backup.createdAt) },
    { title: 'size', cell: (backup, brush) => brush.bytes(backup.sizeBytes), align: 'right' },
    { title: 'reason', cell: backup => backup.reason },
    { title: 'schema', cell: backup => String(backup.schemaVersion), align: 'right' },
    { title: 'verified', cell: (backup, brush) => brush.time(backup.verifiedAt) },
    { title: 'id', cell: backup => backup.id },
    { title: 'path', cell: backup => backup.path, wide: true },
  ],
  empty: 'No backups here. Take one with: latchkey backup create',
})
