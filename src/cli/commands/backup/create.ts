import { createdBackup } from '../../../contract/views/backups.ts'
import { command, one, opt, verbatim } from '../../declare/define.ts'
import { duration } from '../../declare/times.ts'

export default command({
  effect: 'write',
  summary: 'Take a backup while the database is in use, and check it',
  description:
    'Writes a consistent copy in one file, with a manifest beside it. The copy is checked before the file gets its name; in a bucket it is read back and compared. A failed backup leaves nothing behind. You can open the file without Latchkey: age -d, zstd -d, sqlite3.',
  examples: [
    'latchkey backup create',
    'latchkey backup create --to /var/backups/latchkey --compress zstd',
    'latchkey backup create --to s3://bucket/latchkey --recipients-file /etc/latchkey/recipients.txt',
    'latchkey backup create --prune --ping https://hc-ping.com/UUID --wait 10m --no-input -q',
    'latchkey backup create --reason before-upgrade --json',
  ],
  options: {
    to: opt.text('place', 'Folder or s3://bucket/prefix (default: backup_dir)'),
    compress: opt.choice(['zstd', 'gzip', 'none'], 'How to compress it (default: zstd)'),
    encrypt: opt.flag('Refuse to take a backup that is not encrypted'),
    recipient: opt.many('age1…', verbatim, 'Encrypt it to this age public key (repeatable)'),
    recipientsFile: opt.text('file', 'Encrypt it to every age public key in this file'),
    reason: opt.text('text', 'Reason, stored with the backup (default: manual)'),
    full: opt.flag('Also check every index; takes longer'),
    fast: opt.flag('Copy the file itself; writers pause for a moment and the copy is not compacted'),
    prune: opt.flag('Then remove the backups that the retention policy does not keep'),
    ping: opt.text('url', 'Call this URL at the start (/start), on success and on failure (/fail)'),
    wait: opt.as(
      'duration',
      duration,
      'How long to wait for a running backup command (default: do not wait)',
    ),
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
