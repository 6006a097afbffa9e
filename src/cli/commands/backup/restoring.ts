/** The input of `restore`, and its question. */
import { type Noun, nounNames } from '../../../contract/nouns.ts'
import type { Restored, RevivedSecret } from '../../../contract/views.ts'
import type { Latchkey } from '../../../index.ts'
import { many } from '../../../text/quantity.ts'
import { type Column, listing } from '../../declare/column.ts'
import type { Confirmation, Context, Option } from '../../declare/declaration.ts'
import { opt } from '../../declare/define.ts'
import { databaseOf } from './drawing.ts'

type Backups = Latchkey['backups']
type Options = Parameters<Backups['restore']>[0]

interface Typed extends Omit<Options, 'waitMs' | 'identityFile' | 'onWarning'> {
  readonly wait: number | undefined
  readonly identity: string | undefined
}

/** The options that restore a single thing, one for each noun. */
export const onlyOne = Object.fromEntries(
  nounNames.map(noun => [noun, opt.text('name', `Restore only this ${noun} and what belongs to it`)]),
) as Readonly<Record<Noun, Option<string | undefined>>>

/** The value of one of these options. */
export const oneThing = (typed: { readonly [N in Noun]?: string | undefined }): string | undefined =>
  nounNames.map(noun => typed[noun]).find(each => each !== undefined)

/** The input, with absolute paths. */
export const restoreOptions = (ctx: Context, { from, to, wait, identity, ...options }: Typed): Options => ({
  ...options,
  onWarning: text => void ctx.warn(text),
  from: ctx.place(from),
  to: ctx.path(to),
  waitMs: wait,
  identityFile: ctx.path(identity),
})

/**
 * @param what the single thing to restore
 * @param ago when the backup was taken
 */
export function restoreQuestion(
  chosen: Awaited<ReturnType<Backups['restorable']>>,
  what: string | undefined,
  database: string,
  ago: string,
): Confirmation {
  const { replaces, undoes, revived } = chosen
  const whose = chosen.foreign ? ` of another database, ${databaseOf(chosen)}` : ''
  const taken = `${chosen.path} (${chosen.reason})${whose}, taken ${ago}`
  if (what !== undefined) return { question: `Restore ${what} into ${database} from ${taken}` }
  if (undoes !== null) {
    return { question: `Undo the restore of ${undoes} into ${database}, from ${taken}` }
  }
  if (replaces === null) return { question: `Restore ${database} from ${taken}` }
  return {
    question: `Replace all of ${database} with ${taken}${revivedPhrase(revived ?? [])}`,
    typed: replaces,
    list: listing(revivedColumns, revived ?? []),
  }
}

/** Secrets that do not work now and would work again. */
const revivedColumns: readonly Column<RevivedSecret>[] = [
  { title: 'works again', cell: row => row.start },
  { title: 'key', cell: row => row.key.name },
  { title: 'now', cell: ({ because }, brush) => brush.bad(because.replace('_', ' ')) },
]

function revivedPhrase(revived: NonNullable<Restored['revived']>): string {
  const [first] = revived
  if (first === undefined) return ''
  const which = many(revived.length, 'secret')
  return first.ended
    ? `, and end the ${which} above`
    : `, after which the ${which} above will work again (--keep-revocations ends them)`
}
