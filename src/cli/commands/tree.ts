import type { LimitedNoun } from '../../contract/nouns.ts'
import type { Declaration, Load, Tree, Words } from '../declare/declaration.ts'

const state = () => import('./project/state.ts')

/**
 * Every noun and verb, with its summary and how to load it, in the order of the help. Loads nothing itself, because
 * every module makes each start slower.
 */
export const tree: Tree = {
  user: {
    group: 'Access',
    summary: 'People and service accounts',
    verbs: {
      create: () => import('./user/create.ts'),
      list: () => import('./user/list.ts'),
      show: () => import('./user/show.ts'),
      update: () => import('./user/update.ts'),
      ...limits('user'),
      passwd: () => import('./user/passwd.ts'),
      'check-password': () => import('./user/check-password.ts'),
      disable: () => import('./user/disable.ts'),
      enable: () => import('./user/enable.ts'),
      delete: () => import('./user/delete.ts'),
      offboard: () => import('./user/offboard.ts'),
      export: () => import('./user/export.ts'),
      erase: () => import('./user/erase.ts'),
    },
  },
  project: {
    group: 'Access',
    summary: 'Projects and their members',
    verbs: {
      create: () => import('./project/create.ts'),
      list: () => import('./project/list.ts'),
      show: () => import('./project/show.ts'),
      update: () => import('./project/update.ts'),
      ...limits('project'),
      member: {
        summary: 'Members of a project',
        verbs: together(() => import('./project/member.ts'), 'add', 'list', 'role', 'remove'),
      },
      transfer: () => import('./project/transfer.ts'),
      file: {
        summary: 'Files of a project',
        verbs: together(
          () => import('./project/file.ts'),
          'list',
          'get',
          'put',
          'mv',
          'rm',
          'sync',
          'history',
        ),
      },
      state: {
        summary: 'What the agent of a project is doing, and has done',
        verbs: {
          ...together(state, 'show', 'set', 'reset'),
          phase: {
            summary: 'Phases of the plan',
            verbs: together(async () => ({ default: (await state()).phase }), 'add', 'complete'),
          },
          file: {
            summary: 'Files that the agent has made',
            verbs: together(async () => ({ default: (await state()).file }), 'add'),
          },
          message: {
            summary: 'The conversation',
            verbs: together(async () => ({ default: (await state()).message }), 'add', 'list'),
          },
        },
      },
      archive: () => import('./project/archive.ts'),
      unarchive: () => import('./project/unarchive.ts'),
      delete: () => import('./project/delete.ts'),
    },
  },
  org: {
    group: 'Access',
    summary: 'Organizations',
    verbs: {
      ...together(() => import('./org.ts'), 'create', 'list', 'show', 'update'),
      member: {
        summary: 'Members of an organization',
        verbs: together(() => import('./org-member.ts'), 'add', 'list', 'role', 'remove'),
      },
      ...limits('org'),
      ...together(() => import('./org.ts'), 'delete'),
    },
  },
  team: {
    group: 'Access',
    beside: 'org',
    summary: 'Groups of members of an organization',
    verbs: {
      ...together(() => import('./team.ts'), 'create', 'list', 'show', 'update'),
      member: {
        summary: 'Members of a team',
        verbs: together(
          async () => ({ default: (await import('./team.ts')).default.member }),
          'add',
          'list',
          'remove',
        ),
      },
      ...limits('team'),
      ...together(() => import('./team.ts'), 'delete'),
    },
  },
  role: {
    group: 'Access',
    beside: 'org',
    summary: 'Names for permissions',
    verbs: together(() => import('./role.ts'), 'create', 'list', 'show', 'update', 'delete'),
  },
  invitation: {
    group: 'Access',
    beside: 'org',
    summary: 'Invitations to organizations',
    verbs: together(() => import('./invitation.ts'), 'create', 'list', 'accept', 'cancel'),
  },
  access: {
    group: 'Access',
    beside: 'org',
    summary: 'Who may do what',
    verbs: together(() => import('./access.ts'), 'check', 'list'),
  },
  auth: {
    group: 'Access',
    beside: 'org',
    summary: 'How people sign in',
    verbs: together(() => import('./auth.ts'), 'check'),
  },
  key: {
    group: 'Access',
    summary: 'API keys',
    verbs: {
      create: () => import('./key/create.ts'),
      list: () => import('./key/list.ts'),
      show: () => import('./key/show.ts'),
      update: () => import('./key/update.ts'),
      verify: () => import('./key/verify.ts'),
      explain: () => import('./key/explain.ts'),
      stats: () => import('./key/stats.ts'),
      ...limits('key'),
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
  session: {
    group: 'Access',
    beside: 'user',
    summary: 'Who is signed in, and from where',
    verbs: together(() => import('./session.ts'), 'list', 'show', 'revoke'),
  },
  account: {
    group: 'Access',
    beside: 'user',
    summary: 'The passwords and outside accounts that users sign in with',
    verbs: together(() => import('./account.ts'), 'list', 'unlink'),
  },
  chat: {
    group: 'Access',
    summary: 'Chats of users, and what is said in them',
    verbs: together(
      () => import('./chat.ts'),
      'create',
      'list',
      'show',
      'search',
      'export',
      'rename',
      'delete',
      'prune',
    ),
  },
  import: {
    group: 'Access',
    summary: 'Import users, projects, keys and chats from another system',
    verbs: {
      'glm-proxy': () => import('./import/glm-proxy.ts'),
      ccluster: () => import('./import/ccluster.ts'),
      dokify: () => import('./import/dokify.ts'),
      'better-auth': () => import('./import/better-auth.ts'),
      list: () => import('./import/list.ts'),
      undo: () => import('./import/undo.ts'),
    },
  },
  usage: {
    group: 'Usage',
    summary: 'What keys have used',
    verbs: {
      record: () => import('./usage/record.ts'),
      ingest: () => import('./usage/ingest.ts'),
      report: () => import('./usage/report.ts'),
      price: {
        summary: 'Prices of models',
        verbs: {
          set: () => import('./usage/price/set.ts'),
          import: () => import('./usage/price/import.ts'),
          list: () => import('./usage/price/list.ts'),
          remove: () => import('./usage/price/remove.ts'),
        },
      },
      compact: () => import('./usage/compact.ts'),
      check: () => import('./usage/check.ts'),
    },
  },
  serve: {
    group: 'Usage',
    summary: 'Verdicts, usage and metrics over HTTP',
    load: () => import('./serve.ts'),
  },
  backup: {
    group: 'Safety',
    summary: 'Verified copies of the database',
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
  restore: {
    group: 'Safety',
    summary: 'Restore the database from a backup',
    load: () => import('./restore.ts'),
  },
  audit: {
    group: 'Safety',
    summary: 'Who changed what, and when',
    verbs: {
      list: () => import('./audit/list.ts'),
      show: () => import('./audit/show.ts'),
      export: () => import('./audit/export.ts'),
      verify: () => import('./audit/verify.ts'),
      prune: () => import('./audit/prune.ts'),
    },
  },
  init: { group: 'Operations', summary: 'Create the database', load: () => import('./init.ts') },
  migrate: {
    group: 'Operations',
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
  db: {
    group: 'Operations',
    summary: 'The database file',
    verbs: {
      info: () => import('./db/info.ts'),
      check: () => import('./db/check.ts'),
      query: () => import('./db/query.ts'),
      copy: () => import('./db/copy.ts'),
      vacuum: () => import('./db/vacuum.ts'),
      optimize: () => import('./db/optimize.ts'),
      studio: () => import('./db/studio.ts'),
    },
  },
  health: {
    group: 'Operations',
    summary: 'Check the database and its backups',
    load: () => import('./health.ts'),
  },
  doctor: {
    group: 'Operations',
    summary: 'Check everything, and show how to fix it',
    load: () => import('./doctor.ts'),
  },
  seed: {
    group: 'Operations',
    beside: 'db',
    summary: 'Made-up data for a new database',
    load: () => import('./seed.ts'),
  },
  config: {
    group: 'Program',
    summary: 'Settings and where they come from',
    verbs: {
      show: () => import('./config/show.ts'),
      get: () => import('./config/get.ts'),
      set: () => import('./config/set.ts'),
      unset: () => import('./config/unset.ts'),
      path: () => import('./config/path.ts'),
      profiles: () => import('./config/profiles.ts'),
      validate: () => import('./config/validate.ts'),
    },
  },
  completion: {
    group: 'Program',
    summary: 'Shell completion',
    verbs: {
      install: () => import('./completion/install.ts'),
      ...together(() => import('../completion/scripts.ts'), 'bash', 'zsh', 'fish'),
    },
  },
  schema: {
    group: 'Program',
    summary: 'JSON Schema of what commands print',
    load: () => import('./schema.ts'),
  },
  man: { group: 'Program', beside: 'schema', summary: 'Manual pages', load: () => import('./man.ts') },
  version: { group: 'Program', summary: 'Print the version', load: () => import('./version.ts') },
  demo: { group: 'Program', summary: 'A tour on a temporary database', load: () => import('./demo.ts') },
}

/** The verbs of every noun that has limits. */
function limits(noun: LimitedNoun): Readonly<Record<'limit' | 'reset', Load | Words>> {
  const load = async () => ({ default: (await import('./limits.ts')).limitCommands(noun) })
  return {
    limit: {
      summary: `Limits of ${noun === 'org' ? 'an organization' : `a ${noun}`}`,
      verbs: together(load, 'set', 'list', 'remove'),
    },
    ...together(load, 'reset'),
  }
}

/** Commands that share a file. */
function together<Verb extends string>(
  load: () => Promise<{ readonly default: Readonly<Record<Verb, Declaration>> }>,
  ...verbs: readonly Verb[]
): Readonly<Record<Verb, Load>> {
  const loads = verbs.map(verb => [verb, async () => ({ default: (await load()).default[verb] })])
  return Object.fromEntries(loads)
}
