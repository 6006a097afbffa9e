import { restored } from '../../contract/views.ts'
import { arg, command, opt } from '../define.ts'
import { rowChanges } from '../drawing.ts'

export default command({
  name: 'restore',
  effect: 'destroy',
  summary: 'Put a backup in the place of the database',
  description:
    'The backup is verified first, then what is there now is backed up, then they are exchanged as one. Refuses while another process has the database open. On any failure the old database is as it was.',
  examples: [
    'latchkey restore --latest --from /var/backups/latchkey --dry-run',
    'latchkey restore --latest --from /var/backups/latchkey --yes',
    'latchkey restore bak_01kaqv8w2e --yes --json',
  ],
  args: { backup: arg.optional('Id, file name or path of the backup') },
  options: {
    latest: opt.flag('The newest backup'),
    from: opt.text('folder', 'Where to look (default: backup_dir of the configuration)'),
    force: opt.flag('Even while another process has the database open'),
  },
  confirm: async (ctx, { backup, latest, from }) => {
    const { backups, path } = await ctx.operations()
    const chosen = await backups.get({
      backup,
      latest,
      from: from === undefined ? undefined : ctx.path(from),
    })
    return { question: `Replace ${path} by ${chosen.path}, taken ${chosen.createdAt.toISOString()}` }
  },
  run: async (ctx, { backup, latest, from, force }) =>
    (await ctx.operations()).backups.restore({
      backup,
      latest,
      force,
      from: from === undefined ? undefined : ctx.path(from),
    }),
  output: restored,
  done: (restored, brush) =>
    [
      `Restored ${restored.path} from ${restored.backup.path}, taken ${brush.time(restored.backup.createdAt)}`,
      ...rowChanges(restored.before, restored.rows, brush),
      ...(restored.safetyBackup === null
        ? []
        : [
            `What was there before is in ${restored.safetyBackup.path}. Undo: latchkey restore ${restored.safetyBackup.path}`,
          ]),
      ...restored.movedAside.map(file => `Moved aside: ${file}`),
    ].join('\n'),
})
