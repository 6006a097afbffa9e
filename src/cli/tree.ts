/** Every noun with its summary, and how to load it. Must never load one by itself: start-up pays for each. */
import { verbOf } from './aliases.ts'
import type { Declaration, Group } from './define.ts'

/** What a noun holds: its verbs and groups of verbs, or the single declaration that is the noun itself. */
export type Loaded = Declaration | readonly (Declaration | Group)[]

export interface Noun {
  readonly summary: string
  readonly load: () => Promise<{ readonly default: Loaded }>
}

export type Tree = Readonly<Record<string, Noun>>

export const tree: Tree = {
  init: { summary: 'Create the database', load: () => import('./commands/init.ts') },
  user: { summary: 'People and service accounts', load: () => import('./commands/user/index.ts') },
  project: { summary: 'Projects and their members', load: () => import('./commands/project/index.ts') },
  key: {
    summary: 'API keys',
    load: () => import('./commands/key/index.ts'),
  },
  usage: {
    summary: 'What keys have used',
    load: () => import('./commands/usage/index.ts'),
  },
  import: {
    summary: 'Take over users, projects and keys from another system',
    load: () => import('./commands/import/index.ts'),
  },
  migrate: { summary: 'The schema of the database', load: () => import('./commands/migrate/index.ts') },
  backup: {
    summary: 'Copies of the database, checked',
    load: () => import('./commands/backup/index.ts'),
  },
  db: { summary: 'The database file', load: () => import('./commands/db/index.ts') },
  restore: { summary: 'Bring a database back from a backup', load: () => import('./commands/restore.ts') },
  serve: {
    summary: 'Verdicts, usage and metrics over HTTP',
    load: () => import('./commands/serve.ts'),
  },
  audit: { summary: 'Who changed what, and when', load: () => import('./commands/audit/index.ts') },
  health: { summary: 'Check the database and its backups', load: () => import('./commands/health.ts') },
  doctor: {
    summary: 'Check everything, and say how to mend it',
    load: () => import('./commands/doctor.ts'),
  },
  config: { summary: 'Settings and where they come from', load: () => import('./commands/config/index.ts') },
  completion: { summary: 'Completion for shells', load: () => import('./commands/completion/index.ts') },
  schema: { summary: 'JSON Schema of what commands print', load: () => import('./commands/schema.ts') },
  man: { summary: 'Manual pages', load: () => import('./commands/man.ts') },
  demo: { summary: 'A tour on a throw-away database', load: () => import('./commands/demo.ts') },
}

/** Every declaration of a noun with the words that are typed for it: `['key', 'limit', 'add']`. */
export function namedCommands(
  noun: string,
  loaded: Loaded,
): readonly { readonly words: readonly string[]; readonly declaration: Declaration }[] {
  if ('run' in loaded) return [{ words: [noun], declaration: loaded }]
  return loaded.flatMap(entry =>
    'commands' in entry
      ? entry.commands.map(declaration => ({ words: [noun, entry.name, declaration.name], declaration }))
      : [{ words: [noun, entry.name], declaration: entry }],
  )
}

interface Way {
  /** The command that was reached, or the ones to choose from. */
  readonly at: Loaded
  /** The names that the words on the way stood for. */
  readonly names: readonly string[]
  /** The words that lead no further. */
  readonly rest: readonly string[]
}

/** Where the words behind a noun lead. */
export function follow(loaded: Loaded, words: readonly string[]): Way {
  const [word, ...rest] = words
  if ('run' in loaded || word === undefined) return { at: loaded, names: [], rest: words }
  const names = loaded.map(({ name }) => name)
  const entry = loaded.find(({ name }) => name === verbOf(word, names))
  if (entry === undefined) return { at: loaded, names: [], rest: words }
  const way = follow('commands' in entry ? entry.commands : entry, rest)
  return { ...way, names: [entry.name, ...way.names] }
}
