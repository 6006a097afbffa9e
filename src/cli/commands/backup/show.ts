import { backup } from '../../../contract/views/backups.ts'
import { arg, command, one, opt } from '../../declare/define.ts'

export default command({
  effect: 'read',
  summary: 'Show one backup and what it holds',
  examples: ['latchkey backup show', 'latchkey backup show bak_01kaqv8w2e --json'],
  args: { backup: arg.optional('Id, file name or path (default: the newest)') },
  options: {
    from: opt.text('place', 'Folder or s3://bucket/prefix (default: backup_dir)'),
  },
  run: async (ctx, { backup, from }) =>
    (await ctx.operations()).backups.get({
      backup,
      onWarning: text => void ctx.warn(text),
      latest: backup === undefined,
      from: ctx.place(from),
    }),
  prints: one(backup),
})
