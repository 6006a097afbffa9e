/**
 * Adapts command lines in a text to the one that was typed. If `--db`, `--profile`, the place of backups or another database to
 * restore to was given, it is added, so that the next step is about the same when it is pasted. Does not parse.
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

/** What would restore to the configured database. */
const restoreLine = /(?<![\w./-])latchkey restore\b(?![^,;\n]*--(?:help|to)\b)/g

type Names = Pick<Globals, 'db' | 'profile'>

interface Typed {
  readonly globals: Names
  readonly given?: Given['given']
  readonly declaration?: Pick<Declaration, 'options'>
}

/** Rewrites the command lines of this program in a text. */
export function repeating({ globals, given, declaration }: Typed): (text: string) => string {
  // Of other commands, `--from` is a date, and `--to` a user or a version.
  const typed = (option: string, placeholder: string): string | undefined =>
    declaration?.options[option]?.placeholder === placeholder && given?.has(option)
      ? String(given.get(option))
      : undefined
  const [place, to] = [typed('from', 'place'), typed('to', 'file')]
  const again = repeatingNames(globals, to)
  const withPlace = adding(backupLine, place, line => (line.endsWith('create') ? 'to' : 'from'))
  const withTarget = adding(restoreLine, to, () => 'to')
  return text => again(withTarget(withPlace(text)))
}

const adding =
  (lines: RegExp, value: string | undefined, option: (line: string) => string) =>
  (text: string): string =>
    value === undefined ? text : text.replace(lines, line => `${line} --${option(line)} ${shellWord(value)}`)

/** @param to the database that a restore changes: what is not about backups is about that one */
function repeatingNames({ db, profile }: Names, to: string | undefined): (text: string) => string {
  const wordsFor = (database: string | undefined): string =>
    Object.entries({ db: database, profile })
      .flatMap(([flag, value]) => (value === undefined ? [] : [`--${flag} ${shellWord(value)} `]))
      .join('')
  const [configured, target] = [wordsFor(db), wordsFor(to ?? db)]
  // The log of a server goes through here.
  if (configured === '' && target === '') return text => text
  // A function, because a path may contain replacement patterns such as `$&`.
  return text =>
    text.replace(
      commandLine,
      (line, offset: number) =>
        line + (/^(?:backup|restore)\b/.test(text.slice(offset + line.length)) ? configured : target),
    )
}
