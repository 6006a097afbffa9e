/**
 * Every noun and verb, with what each is about, and how to load it. Must never load one by itself: start-up pays for each.
 */
import { nounOf, verbOf } from './aliases.ts'
import type { Declaration } from './define.ts'

type Load = () => Promise<{ readonly default: Declaration }>

/** A word that takes another one behind it: `key`, and `limit` in `key limit add`. */
interface Words {
  readonly summary: string
  readonly verbs: Readonly<Record<string, Load | Words>>
}

/** The first word of a command line: alone a command, or with verbs of its own. */
type Noun = Words | { readonly summary: string; readonly load: Load }

export type Tree = Readonly<Record<string, Noun>>

/** What the scripts of shells call with the words so far; answers lines of a value, a tab and a description. */
export const completionRequest = '__complete'

export const tree: Tree = {
  init: { summary: 'Create the database', load: () => import('./commands/init.ts') },
  user: {
    summary: 'People and service accounts',
    verbs: {
      create: () => import('./commands/user/create.ts'),
      list: () => import('./commands/user/list.ts'),
      show: () => import('./commands/user/show.ts'),
      update: () => import('./commands/user/update.ts'),
      limit: {
        summary: 'Rolling limits of a user',
        verbs: {
          add: () => import('./commands/user/limit/add.ts'),
          list: () => import('./commands/user/limit/list.ts'),
          remove: () => import('./commands/user/limit/remove.ts'),
        },
      },
      reset: () => import('./commands/user/reset.ts'),
      passwd: () => import('./commands/user/passwd.ts'),
      disable: () => import('./commands/user/disable.ts'),
      enable: () => import('./commands/user/enable.ts'),
      delete: () => import('./commands/user/delete.ts'),
    },
  },
  project: {
    summary: 'Projects and their members',
    verbs: {
      create: () => import('./commands/project/create.ts'),
      list: () => import('./commands/project/list.ts'),
      show: () => import('./commands/project/show.ts'),
      update: () => import('./commands/project/update.ts'),
      limit: {
        summary: 'Rolling limits of a project',
        verbs: {
          add: () => import('./commands/project/limit/add.ts'),
          list: () => import('./commands/project/limit/list.ts'),
          remove: () => import('./commands/project/limit/remove.ts'),
        },
      },
      reset: () => import('./commands/project/reset.ts'),
      archive: () => import('./commands/project/archive.ts'),
      unarchive: () => import('./commands/project/unarchive.ts'),
      delete: () => import('./commands/project/delete.ts'),
    },
  },
  key: {
    summary: 'API keys',
    verbs: {
      create: () => import('./commands/key/create.ts'),
      list: () => import('./commands/key/list.ts'),
      show: () => import('./commands/key/show.ts'),
      update: () => import('./commands/key/update.ts'),
      verify: () => import('./commands/key/verify.ts'),
      stats: () => import('./commands/key/stats.ts'),
      limit: {
        summary: 'Rolling limits of a key',
        verbs: {
          add: () => import('./commands/key/limit/add.ts'),
          list: () => import('./commands/key/limit/list.ts'),
          remove: () => import('./commands/key/limit/remove.ts'),
        },
      },
      reset: () => import('./commands/key/reset.ts'),
      rotate: () => import('./commands/key/rotate.ts'),
      revoke: () => import('./commands/key/revoke.ts'),
      disable: () => import('./commands/key/disable.ts'),
      enable: () => import('./commands/key/enable.ts'),
      delete: () => import('./commands/key/delete.ts'),
      identify: () => import('./commands/key/identify.ts'),
      export: () => import('./commands/key/export.ts'),
      import: () => import('./commands/key/import.ts'),
    },
  },
  usage: {
    summary: 'What keys have used',
    verbs: {
      record: () => import('./commands/usage/record.ts'),
      ingest: () => import('./commands/usage/ingest.ts'),
      report: () => import('./commands/usage/report.ts'),
      price: {
        summary: 'What models cost',
        verbs: {
          set: () => import('./commands/usage/price/set.ts'),
          list: () => import('./commands/usage/price/list.ts'),
          remove: () => import('./commands/usage/price/remove.ts'),
        },
      },
      compact: () => import('./commands/usage/compact.ts'),
      check: () => import('./commands/usage/check.ts'),
    },
  },
  import: {
    summary: 'Take over users, projects and keys from another system',
    verbs: {
      'glm-proxy': () => import('./commands/import/glm-proxy.ts'),
      ccluster: () => import('./commands/import/ccluster.ts'),
      dokify: () => import('./commands/import/dokify.ts'),
      list: () => import('./commands/import/list.ts'),
      undo: () => import('./commands/import/undo.ts'),
    },
  },
  migrate: {
    summary: 'The schema of the database',
    verbs: {
      status: () => import('./commands/migrate/status.ts'),
      plan: () => import('./commands/migrate/plan.ts'),
      up: () => import('./commands/migrate/up.ts'),
      down: () => import('./commands/migrate/down.ts'),
      check: () => import('./commands/migrate/check.ts'),
      history: () => import('./commands/migrate/history.ts'),
    },
  },
  backup: {
    summary: 'Copies of the database, checked',
    verbs: {
      create: () => import('./commands/backup/create.ts'),
      list: () => import('./commands/backup/list.ts'),
      show: () => import('./commands/backup/show.ts'),
      verify: () => import('./commands/backup/verify.ts'),
      prune: () => import('./commands/backup/prune.ts'),
      status: () => import('./commands/backup/status.ts'),
      schedule: () => import('./commands/backup/schedule.ts'),
      unschedule: () => import('./commands/backup/unschedule.ts'),
    },
  },
  db: {
    summary: 'The database file',
    verbs: {
      info: () => import('./commands/db/info.ts'),
      check: () => import('./commands/db/check.ts'),
      query: () => import('./commands/db/query.ts'),
      vacuum: () => import('./commands/db/vacuum.ts'),
      optimize: () => import('./commands/db/optimize.ts'),
      studio: () => import('./commands/db/studio.ts'),
    },
  },
  restore: { summary: 'Bring a database back from a backup', load: () => import('./commands/restore.ts') },
  serve: { summary: 'Verdicts, usage and metrics over HTTP', load: () => import('./commands/serve.ts') },
  audit: {
    summary: 'Who changed what, and when',
    verbs: {
      list: () => import('./commands/audit/list.ts'),
      show: () => import('./commands/audit/show.ts'),
    },
  },
  health: { summary: 'Check the database and its backups', load: () => import('./commands/health.ts') },
  doctor: { summary: 'Check everything, and say how to mend it', load: () => import('./commands/doctor.ts') },
  config: {
    summary: 'Settings and where they come from',
    verbs: {
      show: () => import('./commands/config/show.ts'),
      get: () => import('./commands/config/get.ts'),
      set: () => import('./commands/config/set.ts'),
      unset: () => import('./commands/config/unset.ts'),
      path: () => import('./commands/config/path.ts'),
      profiles: () => import('./commands/config/profiles.ts'),
      validate: () => import('./commands/config/validate.ts'),
    },
  },
  completion: {
    summary: 'Completion for shells',
    verbs: {
      install: () => import('./commands/completion/install.ts'),
      bash: () => import('./commands/completion/bash.ts'),
      zsh: () => import('./commands/completion/zsh.ts'),
      fish: () => import('./commands/completion/fish.ts'),
    },
  },
  schema: { summary: 'JSON Schema of what commands print', load: () => import('./commands/schema.ts') },
  man: { summary: 'Manual pages', load: () => import('./commands/man.ts') },
  version: { summary: 'Print the version', load: () => import('./commands/version.ts') },
  demo: { summary: 'A tour on a throw-away database', load: () => import('./commands/demo.ts') },
}

/** Verbs under one word of a noun, loaded: `limit` of `key` holds add, remove and list. */
interface Group {
  readonly name: string
  readonly summary: string
  readonly commands: readonly Declaration[]
}

/** The command that was reached, or the ones to choose from. */
export type Reached = Declaration | readonly (Declaration | Group)[]

/** Where words lead. */
interface Way {
  /** The words that were understood, each by the name that it stood for. */
  readonly steps: readonly Step[]
  readonly at: Reached
  /** The words that lead no further. */
  readonly rest: readonly string[]
}

interface Step {
  readonly name: string
  readonly summary: string
  /** The names that it was chosen from. */
  readonly among: readonly string[]
}

/** Loads what the words reach, and no other command; all that there are to choose from where they reach none. */
export async function follow(tree: Tree, words: readonly string[]): Promise<Way> {
  const [typed, ...rest] = words
  const among = Object.keys(tree)
  const name = typed === undefined ? '' : nounOf(typed, among)
  const noun = own(tree, name)
  if (noun === undefined) return { steps: [], at: [], rest: words }
  const way = 'load' in noun ? await reach(noun.load, rest) : await choose(noun, rest)
  return { ...way, steps: [{ name, summary: noun.summary, among }, ...way.steps] }
}

async function choose(from: Words, words: readonly string[]): Promise<Way> {
  const [typed, ...rest] = words
  const among = Object.keys(from.verbs)
  const name = typed === undefined ? '' : verbOf(typed, among)
  const verb = own(from.verbs, name)
  if (verb === undefined) return { steps: [], at: await loadAll(from), rest: words }
  const way = typeof verb === 'function' ? await reach(verb, rest) : await choose(verb, rest)
  const summary = typeof verb === 'function' ? '' : verb.summary
  return { ...way, steps: [{ name, summary, among }, ...way.steps] }
}

const reach = async (load: Load, rest: readonly string[]): Promise<Way> => ({
  steps: [],
  at: (await load()).default,
  rest,
})

const loadAll = ({ verbs }: Words): Promise<readonly (Declaration | Group)[]> =>
  Promise.all(
    Object.entries(verbs).map(async ([name, verb]) => {
      if (typeof verb === 'function') return (await verb()).default
      const commands = (await loadAll(verb)).filter(each => 'run' in each)
      return { name, summary: verb.summary, commands }
    }),
  )

/** A name that people type may be one that every object has. */
const own = <T>(all: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(all, name) ? all[name] : undefined

/** Every declaration of a noun with the words that are typed for it: `['key', 'limit', 'add']`. */
export async function namedCommands(
  tree: Tree,
  noun: string,
): Promise<readonly { readonly words: readonly string[]; readonly declaration: Declaration }[]> {
  const { at } = await follow(tree, [noun])
  if ('run' in at) return [{ words: [noun], declaration: at }]
  return at.flatMap(entry =>
    'commands' in entry
      ? entry.commands.map(declaration => ({ words: [noun, entry.name, declaration.name], declaration }))
      : [{ words: [noun, entry.name], declaration: entry }],
  )
}
