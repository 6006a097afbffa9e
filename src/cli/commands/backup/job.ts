/** Where scheduled backups go, and to whom they are encrypted: one answer for the job and for who looks for them. */
import { LatchkeyError } from '../../../contract/errors.ts'
import type { ConfigValue } from '../../../contract/views.ts'
import { shellWord } from '../../../text/shell-word.ts'
import type { Context } from '../../declare/declaration.ts'

interface Typed {
  readonly to: string | undefined
  readonly recipientsFile: string | undefined
}

interface Destination {
  readonly to: string
  readonly recipientsFile: string | undefined
}

/** What is not typed stays as an earlier schedule has it. @throws conflict, usage */
export function destinationOf(ctx: Context, { to, recipientsFile }: Typed): Destination {
  const setting = ctx.config.setting('backup_dir')
  const place = ctx.place(to) ?? setting.value ?? ''
  requireOnePlace(setting, place)
  if (recipientsFile !== undefined) return { to: place, recipientsFile: ctx.path(recipientsFile) }
  const known = ctx.config.setting('age_recipients_file')
  return { to: place, recipientsFile: isSet(known) ? undefined : (known.value ?? undefined) }
}

/** Backups that no list, status and doctor looks for would be missed when they are needed. */
function requireOnePlace(setting: ConfigValue, place: string): void {
  if (!isSet(setting) || place === setting.value) return
  throw new LatchkeyError(
    'conflict',
    `backups would go to ${place}, but Latchkey looks for them in ${setting.value} (backup_dir from ${setting.source})`,
    `use one place: leave out --to, or run latchkey config set backup_dir ${shellWord(place)}`,
  )
}

/** Whether somebody says so, and not an earlier schedule or nobody. */
const isSet = ({ source }: ConfigValue): boolean => source !== 'backup schedule' && source !== 'default'
