/** Every noun with its summary, and how to load it. Must never load one by itself: start-up pays for each. */
import type { Declaration } from './define.ts'

/** A noun: a list of its verbs, or a single declaration that is the noun itself. */
export interface Noun {
  readonly summary: string
  readonly load: () => Promise<{ readonly default: Declaration | readonly Declaration[] }>
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
  import: { summary: 'Take over keys from another system', load: () => import('./commands/import/index.ts') },
  migrate: { summary: 'The schema of the database', load: () => import('./commands/migrate/index.ts') },
  backup: {
    summary: 'Copies of the database, checked',
    load: () => import('./commands/backup/index.ts'),
  },
  restore: { summary: 'Bring a database back from a backup', load: () => import('./commands/restore.ts') },
  audit: { summary: 'Who changed what, and when', load: () => import('./commands/audit/index.ts') },
  health: { summary: 'Check the database and its backups', load: () => import('./commands/health.ts') },
  config: { summary: 'Settings and where they come from', load: () => import('./commands/config/index.ts') },
  demo: { summary: 'A tour on a throw-away database', load: () => import('./commands/demo.ts') },
}
