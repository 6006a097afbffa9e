import { backup } from '../../../contract/views.ts'
import { command, opt } from '../../define.ts'

export default command({
  name: 'create',
  effect: 'write',
  summary: 'Take a backup while the database is in use, and check it',
  description:
    'A consistent copy in one file, with a manifest beside it. It is checked before it gets its name; on any failure nothing is left.',
  examples: [
    'latchkey backup create',
    'latchkey backup create --to /var/backups/latchkey --compress zstd',
    'latchkey backup create --reason before-upgrade --json',
  ],
  options: {
    to: opt.text('folder', 'Where to put it (default: backup_dir of the configuration)'),
    compress: opt.choice(['none', 'zstd', 'gzip'], 'How to compress it (default: none)'),
    reason: opt.text('text', 'Why it is taken (default: manual)'),
    full: opt.flag('Check every index as well, which takes longer'),
  },
  run: async (ctx, { to, compress, reason, full }) =>
    (await ctx.operations()).backups.create({
      to: to === undefined ? undefined : ctx.path(to),
      compression: compress,
      reason,
      full,
    }),
  output: backup,
  done: (backup, brush) => `Backed up to ${backup.path} (${brush.bytes(backup.sizeBytes)}, ${backup.id})`,
})
