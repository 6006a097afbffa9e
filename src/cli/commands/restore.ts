import { nounNames } from '../../contract/nouns.ts'
import { restored } from '../../contract/views/backups.ts'
import { series } from '../../text/series.ts'
import { arg, command, one, opt } from '../declare/define.ts'
import { duration, since } from '../declare/times.ts'
import { partLine, restoredLines, restorePlanLines } from './backup/drawing.ts'
import { oneThing, onlyOne, restoreOptions, restoreQuestion } from './backup/restoring.ts'

const flags = nounNames.map(noun => `--${noun}`)
const toChoose =
  'list them with: latchkey backup list, then: latchkey restore ID, or: latchkey restore --latest'

export default command({
  effect: 'destroy',
  summary: 'Restore the database, or one thing in it, from a backup',
  description: `Verifies the backup, takes a safety copy of the current database, then replaces it in one step. If anything fails, the database is unchanged. Refuses while another process has the database open, unless you give --in-place. Before it asks, it lists every secret that does not work now and would work again; --keep-revocations ends them. With ${series(flags, 'or')} it restores only that, and what belongs to it. Restrictions made since the backup stay: revoked, rotated, disabled, archived, fewer scopes, an earlier expiry, a changed password. Usage since then still counts.`,
  examples: [
    'latchkey restore --latest --from /var/backups/latchkey --dry-run',
    'latchkey restore --latest --from /var/backups/latchkey --yes',
    'latchkey restore --in-place --at 2026-11-20T03:00 --yes',
    'latchkey restore --at 2h --dry-run',
    'latchkey restore bak_01kaqv8w2e --key ci --dry-run',
    'latchkey restore --latest --keep-revocations --yes',
    'latchkey restore --undo --yes --json',
  ],
  args: { backup: arg.unless(['latest', 'at', 'undo'], 'Id, file name or path of the backup', toChoose) },
  options: {
    latest: opt.flag('Restore the newest backup of this database'),
    at: opt.as('duration|date', since, 'Restore the newest backup taken by then; 2h means two hours ago'),
    undo: opt.flag('Restore what was there before the last restore'),
    from: opt.text('place', 'Folder or s3://bucket/prefix (default: backup_dir)'),
    identity: opt.text('file', 'File of age identities that decrypt the backup (LATCHKEY_AGE_IDENTITY_FILE)'),
    to: opt.text('file', 'Database file to restore to (default: the configured one)'),
    inPlace: opt.flag('Restore while other processes have the database open; they see it at once'),
    keepRevocations: opt.flag(
      'End every secret that does not work now and would work again after the restore',
    ),
    wait: opt.as(
      'duration',
      duration,
      'How long to wait while other processes have it open (default: do not wait)',
    ),
    ...onlyOne,
  },
  confirm: async (ctx, input) => {
    const { backups, path } = await ctx.operations()
    const { shown, restore } = await backups.planRestore(restoreOptions(ctx, input))
    const database = input.to ?? path
    const ago = await ctx.ago(shown.createdAt)
    return { ...restoreQuestion(shown, oneThing(input), database, ago), database, proceed: restore }
  },
  run: async (ctx, input) => (await ctx.operations()).backups.restore(restoreOptions(ctx, input)),
  prints: one(restored, { done: restoredLines }),
  would: restorePlanLines,
  notice: (run, input) => partLine(run, oneThing(input)),
})
