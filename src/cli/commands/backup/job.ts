/** Where scheduled backups go and how they are encrypted, both for the job and for commands that look for them. */
import { LatchkeyError } from '../../../contract/errors.ts'
import type { ConfigValue } from '../../../contract/views.ts'
import { withoutPassword } from '../../../text/address.ts'
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

/** How the job names the database. A password comes from its file of variables, so that nobody sees it. */
export const databaseWord = ({ config }: Context): string => withoutPassword(config.db)

/** What was not typed stays as in an earlier schedule. @throws conflict, usage */
export function destinationOf(ctx: Context, { to, recipientsFile }: Typed): Destination {
  const setting = ctx.config.setting('backup_dir')
  const place = ctx.place(to) ?? setting.value ?? ''
  requireOnePlace(setting, place)
  if (recipientsFile !== undefined) return { to: place, recipientsFile: ctx.path(recipientsFile) }
  const known = ctx.config.setting('age_recipients_file')
  return { to: place, recipientsFile: isSet(known) ? undefined : (known.value ?? undefined) }
}

/** Backups that list, status and doctor do not find would be missed when they are needed. */
function requireOnePlace(setting: ConfigValue, place: string): void {
  if (!isSet(setting) || place === setting.value) return
  throw new LatchkeyError(
    'conflict',
    `backups would go to ${place}, but Latchkey looks for them in ${setting.value} (backup_dir from ${setting.source})`,
    `use one place: leave out --to, or run latchkey config set backup_dir ${shellWord(place)}`,
  )
}

/** Whether it comes from a setting, and not from an earlier schedule or a default. */
const isSet = ({ source }: ConfigValue): boolean => source !== 'backup schedule' && source !== 'default'
