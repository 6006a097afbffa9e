/** Words that people try for a noun or a verb. They are understood but not shown: every command has one name. */
import { nounNames, nouns } from '../../contract/nouns.ts'

const words: Readonly<Record<string, string>> = {
  ...Object.fromEntries(nounNames.map(noun => [nouns[noun].plural, noun])),
  apikey: 'key',
  apikeys: 'key',
  'api-key': 'key',
  'api-keys': 'key',
  conversation: 'chat',
  conversations: 'chat',
  messages: 'chat',
  sessions: 'session',
  accounts: 'account',
  backups: 'backup',
  imports: 'import',
  migration: 'migrate',
  migrations: 'migrate',
  database: 'db',
  settings: 'config',
  schemas: 'schema',
  completions: 'completion',
  log: 'audit',
  logs: 'audit',
  server: 'serve',
  status: 'health',
}

/** Verbs that have become commands of their own, by their noun. */
const moved: Readonly<Record<string, string>> = { seed: 'db' }

/** Whether the second word was a verb of the first, and is a command by itself. */
export const hasMoved = ([noun = '', verb = '']: readonly string[]): boolean =>
  Object.hasOwn(moved, verb) && moved[verb] === (words[noun] ?? noun)

const verbs: Readonly<Record<string, readonly string[]>> = {
  ls: ['list', 'show'],
  list: ['show', 'report'],
  rm: ['delete', 'remove'],
  del: ['delete', 'remove'],
  remove: ['delete'],
  delete: ['remove'],
  new: ['create', 'add'],
  add: ['create', 'set'],
  create: ['add'],
  destroy: ['delete'],
  erase: ['delete'],
  info: ['show'],
  get: ['show'],
  view: ['show'],
  describe: ['show'],
  inspect: ['show'],
  show: ['report'],
  edit: ['update', 'rename'],
  update: ['rename'],
  title: ['rename'],
  find: ['search'],
  grep: ['search'],
  clean: ['prune'],
  rename: ['update'],
  check: ['verify'],
  usage: ['stats'],
  stats: ['report'],
  regenerate: ['rotate'],
  roll: ['rotate'],
  block: ['disable'],
  suspend: ['disable'],
  deactivate: ['disable'],
  unblock: ['enable'],
  activate: ['enable'],
  password: ['passwd'],
  limits: ['limit'],
  quota: ['limit'],
  quotas: ['limit'],
  run: ['up'],
  rollback: ['down'],
}

/** The noun for a word, or the word itself. */
export const nounOf = (word: string, known: readonly string[]): string =>
  known.includes(word) ? word : (known.find(name => name === words[word]) ?? word)

/** The verb of a noun for a word, or the word itself. */
export const verbOf = (word: string, known: readonly string[]): string =>
  known.includes(word) || !Object.hasOwn(verbs, word)
    ? word
    : (verbs[word]?.find(name => known.includes(name)) ?? word)

/** Other words for a noun. None is the name of another noun. */
export const nounAliases = (name: string, known: readonly string[]): readonly string[] =>
  Object.keys(words).filter(word => !known.includes(word) && nounOf(word, known) === name)

/** Other words for a verb of a noun. */
export const verbAliases = (name: string, known: readonly string[]): readonly string[] =>
  Object.keys(verbs).filter(word => !known.includes(word) && verbOf(word, known) === name)

/** Options of other tools, with the option that does the same here. They are only suggested. */
const options: Readonly<Record<string, readonly string[]>> = {
  '--format': ['--output'],
  '--force': ['--yes'],
  '-f': ['--yes'],
  '--assume-yes': ['--yes'],
  '-n': ['--dry-run', '--limit'],
  '--check': ['--dry-run'],
  '--silent': ['--quiet'],
  '--database': ['--db'],
  '--non-interactive': ['--no-input'],
  '--columns': ['--fields'],
  '--timezone': ['--tz'],
  '--owner': ['--user'],
  '--user': ['--owner'],
  '--ttl': ['--expires'],
  '--expiry': ['--expires'],
  '--from': ['--since'],
  '--start': ['--since'],
  '--end': ['--until'],
  '--group-by': ['--by'],
  '--port': ['--listen'],
  '--password': ['--ask-password', '--password-file'],
  '--key': ['--target'],
  '-v': ['--version'],
  '-V': ['--version'],
}

/** The suggestion for an option of another tool, if the command has it. */
export const optionOf = (option: string, known: readonly string[]): string | undefined =>
  options[option]?.find(name => known.includes(name))
