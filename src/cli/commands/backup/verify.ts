import { exitCodes } from '../../../contract/errors.ts'
import { backupCheck } from '../../../contract/views/backups.ts'
import { arg, command, opt, rows } from '../../declare/define.ts'
import { many } from '../../draw/quantity.ts'

export default command({
  effect: 'write',
  summary: 'Prove that backups can be restored, by restoring them to a scratch file',
  description:
    'The newest backup, one that is named, or all of them. The manifest remembers a pass and a failure. Exits with 0 when all pass, with 7 otherwise.',
  examples: [
    'latchkey backup verify',
    'latchkey backup verify --all --from /var/backups/latchkey',
    'latchkey backup verify bak_01kaqv8w2e --quick --json',
  ],
  args: { backup: arg.optional('Id, file name or path (default: the newest)') },
  options: {
    all: opt.flag('Every backup of this database in the folder'),
    from: opt.text('place', 'Folder or s3://bucket/prefix (default: backup_dir of the configuration)'),
    quick: opt.flag('Only compare the checksum'),
    identity: opt.text('file', 'Age identities that open encrypted ones (LATCHKEY_AGE_IDENTITY_FILE)'),
  },
  run: async (ctx, { backup, all, from, quick, identity }) =>
    (await ctx.operations()).backups.verify({
      backup,
      all,
      quick,
      from: ctx.place(from),
      identityFile: ctx.path(identity),
    }),
  would: rows => `note what was found in ${many(rows.length, 'manifest')}`,
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
    empty: 'No backups here. Take one with: latchkey backup create',
  }),
  notice: checks =>
    checks
      .filter(check => check.unrecorded !== null)
      .map(check => `The manifest of ${check.id} does not remember this: ${check.unrecorded}`)
      .join('\n') || undefined,
  exit: checks => (checks.every(check => check.outcome === 'passed') ? 0 : exitCodes.checksum),
})
