import { exitCodes } from '../../../contract/errors.ts'
import { backupCheck } from '../../../contract/views/backups.ts'
import { many } from '../../../text/quantity.ts'
import { arg, command, opt, rows } from '../../declare/define.ts'

export default command({
  effect: 'write',
  summary: 'Check that backups can be restored: restore them to a temporary file',
  description:
    'Checks the newest backup, the one you name, or all of them. The result is noted in the manifest. Exits 0 if all pass, otherwise 7.',
  examples: [
    'latchkey backup verify',
    'latchkey backup verify --all --from /var/backups/latchkey',
    'latchkey backup verify bak_01kaqv8w2e --quick --json',
  ],
  args: { backup: arg.optional('Id, file name or path (default: the newest)') },
  options: {
    all: opt.flag('Check every backup of this database'),
    from: opt.text('place', 'Folder or s3://bucket/prefix (default: backup_dir)'),
    quick: opt.flag('Compare only the checksum'),
    identity: opt.text(
      'file',
      'File of age identities that decrypt the backups (LATCHKEY_AGE_IDENTITY_FILE)',
    ),
  },
  run: async (ctx, { backup, all, from, quick, identity }) =>
    (await ctx.operations()).backups.verify({
      backup,
      all,
      quick,
      from: ctx.place(from),
      identityFile: ctx.path(identity),
    }),
  would: rows => `note the result in ${many(rows.length, 'manifest')}`,
  prints: rows(backupCheck, {
    columns: [
      {
        title: 'outcome',
        cell: (check, brush) => (check.outcome === 'passed' ? brush.good : brush.bad)(check.outcome),
      },
      { title: 'backup', cell: check => check.id },
      { title: 'problem', cell: check => check.problem ?? '', whole: true, hideEmpty: true },
      { title: 'path', cell: check => check.path, wide: true },
    ],
    empty: 'No backups. Take one with: latchkey backup create',
  }),
  notice: checks =>
    checks
      .filter(check => check.unrecorded !== null)
      .map(check => `The manifest of ${check.id} was not updated: ${check.unrecorded}`)
      .join('\n') || undefined,
  exit: checks => (checks.every(check => check.outcome === 'passed') ? 0 : exitCodes.checksum),
})
