/**
 * Adapts command lines in a text to the one that was typed. If `--db`, `--profile` or the place of backups was given, it is
 * added, so that the next step is about the same when it is pasted. Does not parse.
 */
import { shellLine, shellWord } from '../../text/shell-word.ts'
import { tree } from '../commands/tree.ts'
import type { Declaration } from '../declare/declaration.ts'
import type { Given } from '../line/given.ts'
import type { Globals } from '../line/globals.ts'

/** Help needs no database. */
const commandLine = new RegExp(
  `(?<![\\w./-])latchkey (?=(?:${Object.keys(tree).join('|')})\\b)(?![^,;\\n]*--(?:help|db|profile)\\b)`,
  'g',
)

/** Placeholder for the typed command line in a next step. */
export const typedLine = 'latchkey …'

/** Replaces the placeholder. */
export const withTypedLine = (text: string, argv: readonly string[]): string =>
  text.replaceAll(typedLine, () => shellLine(argv))

/** What finds or takes backups, unless it names a file, or the place of its own. */
const backupLine =
  /(?<![\w./-])latchkey (?:backup (?:create|list|prune|show|status|verify)|restore(?= (?:--at|--latest|bak_|[A-Z])))\b(?![^,;\n]*--(?:from|help|to)\b)/g

type Names = Pick<Globals, 'db' | 'profile'>

interface Typed {
  readonly globals: Names
  readonly given?: Given['given']
  readonly declaration?: Pick<Declaration, 'options'>
}

/** Rewrites the command lines of this program in a text. */
export function repeating({ globals, given, declaration }: Typed): (text: string) => string {
  const again = repeatingNames(globals)
  // Of a price, it is a date.
  if (declaration?.options['from']?.placeholder !== 'place' || !given?.has('from')) return again
  const place = shellWord(String(given.get('from')))
  return text =>
    again(text.replace(backupLine, line => `${line} --${line.endsWith('create') ? 'to' : 'from'} ${place}`))
}

function repeatingNames({ db, profile }: Names): (text: string) => string {
  const named = Object.entries({ db, profile }).flatMap(([flag, value]) =>
    value === undefined ? [] : [`--${flag} ${shellWord(value)} `],
  )
  // A function, because a path may contain replacement patterns such as `$&`.
  return named.length === 0 ? text => text : text => text.replace(commandLine, line => line + named.join(''))
}
