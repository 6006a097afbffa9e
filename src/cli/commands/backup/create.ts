import { createdBackup } from '../../../contract/views/backups.ts'
import { command, one, opt, verbatim } from '../../declare/define.ts'
import { duration } from '../../declare/times.ts'

export default command({
  effect: 'write',
  summary: 'Take a backup while the database is in use, and check it',
  description:
    'A consistent copy in one file, with a manifest beside it. It is checked before it gets its name, and read back from a bucket; on any failure nothing is left. The file opens without Latchkey: age -d, zstd -d, sqlite3.',
  examples: [
    'latchkey backup create',
    'latchkey backup create --to /var/backups/latchkey --compress zstd',
    'latchkey backup create --to s3://bucket/latchkey --recipients-file /etc/latchkey/recipients.txt',
    'latchkey backup create --prune --ping https://hc-ping.com/UUID --wait 10m --no-input -q',
    'latchkey backup create --reason before-upgrade --json',
  ],
  options: {
    to: opt.text('place', 'Folder or s3://bucket/prefix (default: backup_dir of the configuration)'),
    compress: opt.choice(['zstd', 'gzip', 'none'], 'How to compress it (default: zstd)'),
    encrypt: opt.flag('Refuse to take one that would not be encrypted'),
    recipient: opt.many('age1…', verbatim, 'Encrypt it to this age public key (repeatable)'),
    recipientsFile: opt.text('file', 'Encrypt it to every age public key in this file'),
    reason: opt.text('text', 'Why it is taken (default: manual)'),
    full: opt.flag('Check every index as well, which takes longer'),
    fast: opt.flag('Copy the file itself where writers pause for a moment; it is not compacted'),
    prune: opt.flag('Afterwards remove what the configured policy does not keep'),
    ping: opt.text('url', 'Tell this address of the start (/start), of success and of failure (/fail)'),
    wait: opt.as('duration', duration, 'How long to wait for another run to end (default: not at all)'),
  },
  run: async (ctx, { to, compress, recipient, recipientsFile, wait, ...options }) =>
    (await ctx.operations()).backups.create({
      ...options,
      to: ctx.place(to),
      compression: compress,
      recipients: recipient === undefined ? undefined : [...recipient],
      recipientsFile: ctx.path(recipientsFile),
      waitMs: wait,
      timeZone: ctx.config.timeZone,
      onWarning: text => void ctx.warn(text),
    }),
  prints: one(createdBackup, {
    done: (backup, brush) =>
      [
        `Backed up to ${backup.path} (${brush.bytes(backup.sizeBytes)}, ${backup.id})`,
        ...(backup.pruned.length === 0
          ? []
          : [`Removed ${backup.pruned.length} that the policy does not keep`]),
      ].join('\n'),
  }),
  would: (backup, brush) =>
    [
      `back up to ${backup.location} (about ${brush.bytes(backup.sizeBytes)})`,
      ...(backup.pruned.length === 0
        ? []
        : [`and remove ${backup.pruned.length} that the policy does not keep`]),
    ].join('\n'),
})
