/**
 * Every noun and verb, with what each is about, and how to load it. Must never load one by itself: start-up pays for each.
 */
import { nounOf, verbOf } from '../line/aliases.ts'
import type { Declaration } from '../declare/define.ts'

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
  init: { summary: 'Create the database', load: () => import('./init.ts') },
  user: {
    summary: 'People and service accounts',
    verbs: {
      create: () => import('./user/create.ts'),
      list: () => import('./user/list.ts'),
      show: () => import('./user/show.ts'),
      update: () => import('./user/update.ts'),
      limit: {
        summary: 'Rolling limits of a user',
        verbs: {
          add: () => import('./user/limit/add.ts'),
          list: () => import('./user/limit/list.ts'),
          remove: () => import('./user/limit/remove.ts'),
        },
      },
      reset: () => import('./user/reset.ts'),
      passwd: () => import('./user/passwd.ts'),
      disable: () => import('./user/disable.ts'),
      enable: () => import('./user/enable.ts'),
      delete: () => import('./user/delete.ts'),
    },
  },
  project: {
    summary: 'Projects and their members',
    verbs: {
      create: () => import('./project/create.ts'),
      list: () => import('./project/list.ts'),
      show: () => import('./project/show.ts'),
      update: () => import('./project/update.ts'),
      limit: {
        summary: 'Rolling limits of a project',
        verbs: {
          add: () => import('./project/limit/add.ts'),
          list: () => import('./project/limit/list.ts'),
          remove: () => import('./project/limit/remove.ts'),
        },
      },
      reset: () => import('./project/reset.ts'),
      archive: () => import('./project/archive.ts'),
      unarchive: () => import('./project/unarchive.ts'),
      delete: () => import('./project/delete.ts'),
    },
  },
  key: {
    summary: 'API keys',
    verbs: {
      create: () => import('./key/create.ts'),
      list: () => import('./key/list.ts'),
      show: () => import('./key/show.ts'),
      update: () => import('./key/update.ts'),
      verify: () => import('./key/verify.ts'),
      stats: () => import('./key/stats.ts'),
      limit: {
        summary: 'Rolling limits of a key',
        verbs: {
          add: () => import('./key/limit/add.ts'),
          list: () => import('./key/limit/list.ts'),
          remove: () => import('./key/limit/remove.ts'),
        },
      },
      reset: () => import('./key/reset.ts'),
      rotate: () => import('./key/rotate.ts'),
      revoke: () => import('./key/revoke.ts'),
      disable: () => import('./key/disable.ts'),
      enable: () => import('./key/enable.ts'),
      delete: () => import('./key/delete.ts'),
      identify: () => import('./key/identify.ts'),
      export: () => import('./key/export.ts'),
      import: () => import('./key/import.ts'),
    },
  },
  usage: {
    summary: 'What keys have used',
    verbs: {
      record: () => import('./usage/record.ts'),
      ingest: () => import('./usage/ingest.ts'),
      report: () => import('./usage/report.ts'),
      price: {
        summary: 'What models cost',
        verbs: {
          set: () => import('./usage/price/set.ts'),
          list: () => import('./usage/price/list.ts'),
          remove: () => import('./usage/price/remove.ts'),
        },
      },
      compact: () => import('./usage/compact.ts'),
      check: () => import('./usage/check.ts'),
    },
  },
  import: {
    summary: 'Take over users, projects and keys from another system',
    verbs: {
      'glm-proxy': () => import('./import/glm-proxy.ts'),
      ccluster: () => import('./import/ccluster.ts'),
      dokify: () => import('./import/dokify.ts'),
      list: () => import('./import/list.ts'),
      undo: () => import('./import/undo.ts'),
    },
  },
  migrate: {
    summary: 'The schema of the database',
    verbs: {
      status: () => import('./migrate/status.ts'),
      plan: () => import('./migrate/plan.ts'),
      up: () => import('./migrate/up.ts'),
      down: () => import('./migrate/down.ts'),
      check: () => import('./migrate/check.ts'),
      history: () => import('./migrate/history.ts'),
    },
  },
  backup: {
    summary: 'Copies of the database, checked',
    verbs: {
      create: () => import('./backup/create.ts'),
      list: () => import('./backup/list.ts'),
      show: () => import('./backup/show.ts'),
      verify: () => import('./backup/verify.ts'),
      prune: () => import('./backup/prune.ts'),
      status: () => import('./backup/status.ts'),
      schedule: () => import('./backup/schedule.ts'),
      unschedule: () => import('./backup/unschedule.ts'),
    },
  },
  db: {
    summary: 'The database file',
    verbs: {
      info: () => import('./db/info.ts'),
      check: () => import('./db/check.ts'),
      query: () => import('./db/query.ts'),
      vacuum: () => import('./db/vacuum.ts'),
      optimize: () => import('./db/optimize.ts'),
      studio: () => import('./db/studio.ts'),
    },
  },
  restore: { summary: 'Bring a database back from a backup', load: () => import('./restore.ts') },
  serve: { summary: 'Verdicts, usage and metrics over HTTP', load: () => import('./serve.ts') },
  audit: {
    summary: 'Who changed what, and when',
    verbs: {
      list: () => import('./audit/list.ts'),
    },
  },
  health: { summary: 'Check the database and its backups', load: () => import('./health.ts') },
  doctor: { summary: 'Check everything, and say how to mend it', load: () => import('./doctor.ts') },
  config: {
    summary: 'Settings and where they come from',
    verbs: {
      show: () => import('./config/show.ts'),
      get: () => import('./config/get.ts'),
      set: () => import('./config/set.ts'),
      unset: () => import('./config/unset.ts'),
      path: () => import('./config/path.ts'),
      validate: () => import('./config/validate.ts'),
    },
  },
  completion: {
    summary: 'Completion for shells',
    verbs: {
      install: () => import('./completion/install.ts'),
      bash: () => import('./completion/bash.ts'),
      zsh: () => import('./completion/zsh.ts'),
      fish: () => import('./completion/fish.ts'),
    },
  },
  schema: { summary: 'JSON Schema of what commands print', load: () => import('./schema.ts') },
  man: { summary: 'Manual pages', load: () => import('./man.ts') },
  demo: { summary: 'A tour on a throw-away database', load: () => import('./demo.ts') },
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
