import { restored } from '../../contract/views/backups.ts'
import { arg, command, one, opt } from '../declare/define.ts'
import { duration, since } from '../declare/times.ts'
import { partLine, restoredLines, restorePlanLines } from './backup/drawing.ts'
import { oneThing, onlyOne, restoreOptions, restoreQuestion } from './backup/restoring.ts'

const toChoose =
  'list them with: latchkey backup list, then: latchkey restore ID, or: latchkey restore --latest'

export default command({
  effect: 'destroy',
  summary: 'Put a backup, or one thing out of it, in the place of what is there',
  description:
    'The backup is verified first, then what is there now is backed up, then they are exchanged as one. Refuses while another process has the database open, unless --in-place. On any failure the old database is as it was. Before it asks, it lists every secret that does not work now and would work again; --keep-revocations ends those. With --key, --user or --project only that comes back, with what belongs to it. Whatever has narrowed access since stays: revoked, rotated, disabled, archived, fewer scopes, an earlier expiry, a changed password; used tokens stay counted.',
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
    latest: opt.flag('The newest backup of this database'),
    at: opt.as('duration|date', since, 'The newest backup that had been taken by then; 2h is two hours ago'),
    undo: opt.flag('What was there before the last restore'),
    from: opt.text('place', 'Folder or s3://bucket/prefix (default: backup_dir of the configuration)'),
    identity: opt.text('file', 'Age identities that open an encrypted one (LATCHKEY_AGE_IDENTITY_FILE)'),
    to: opt.text('file', 'The database to restore to (default: the configured one)'),
    inPlace: opt.flag('Under the processes that have the database open: they see it at once'),
    keepRevocations: opt.flag('End every secret that does not work now and would work again'),
    wait: opt.as('duration', duration, 'How long to wait until nobody has it open (default: not at all)'),
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
