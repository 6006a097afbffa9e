/** Words that people try for a noun or a verb. Understood, never shown: every command has one name of its own. */

const nouns: Readonly<Record<string, string>> = {
  keys: 'key',
  users: 'user',
  projects: 'project',
  backups: 'backup',
  imports: 'import',
  migrations: 'migrate',
  database: 'db',
  settings: 'config',
  schemas: 'schema',
  status: 'health',
}

const verbs: Readonly<Record<string, readonly string[]>> = {
  ls: ['list'],
  rm: ['delete', 'remove'],
  del: ['delete', 'remove'],
  remove: ['delete'],
  delete: ['remove'],
  new: ['create', 'add'],
  add: ['create'],
  create: ['add'],
  info: ['show'],
  get: ['show'],
  edit: ['update'],
  rename: ['update'],
  check: ['verify'],
  usage: ['stats'],
}

/** The noun that a word stands for, or the word itself. */
export const nounOf = (word: string, known: readonly string[]): string =>
  known.includes(word) ? word : (known.find(name => name === nouns[word]) ?? word)

/** The verb of a noun that a word stands for, or the word itself. */
export const verbOf = (word: string, known: readonly string[]): string =>
  known.includes(word) ? word : (verbs[word]?.find(name => known.includes(name)) ?? word)

/** Other words for a noun; none that is the name of another. */
export const nounAliases = (name: string, known: readonly string[]): readonly string[] =>
  Object.keys(nouns).filter(word => !known.includes(word) && nounOf(word, known) === name)

/** The same for a verb among those of its noun. */
export const verbAliases = (name: string, known: readonly string[]): readonly string[] =>
  Object.keys(verbs).filter(word => !known.includes(word) && verbOf(word, known) === name)
