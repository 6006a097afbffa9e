/**
 * The nouns of the domain: things with an id, a name, and an audit row for each change. What they have in common is derived
 * from here; `operations/nouns.ts` says how they are stored. A backup is a file, an import is history, and a price has no
 * id, so they are not nouns.
 */

interface Facts {
  /** Prefix of its ids. */
  readonly prefix: string
  /** Its table, its group in the library, and its field where a view has all nouns. */
  readonly plural: string
  /** The field and column that people know it by. */
  readonly label: string
  /** Whether no two have the same label, whatever the case: anywhere, or within one organization. */
  readonly isUnique: boolean | 'in its organization'
  /** The selectors, for the help. */
  readonly selectors: string
  /** Fields to show in a list to pick from. */
  readonly about: readonly string[]
  /** Its audit actions, besides being brought back from a backup. */
  readonly audited: readonly string[]
}

const imported = ['import', 'undo-import'] as const
const membership = ['member-add', 'member-role', 'member-remove'] as const
const limited = ['limit-add', 'limit-remove', 'reset'] as const

export const nouns = {
  key: {
    prefix: 'key',
    plural: 'keys',
    label: 'name',
    isUnique: true,
    selectors: 'Name, id or start of the secret; - reads the secret from stdin',
    about: ['user', 'status', 'lastUsedAt'],
    audited: ['create', 'update', 'disable', 'enable', 'rotate', 'revoke', 'delete', ...limited, ...imported],
  },
  user: {
    prefix: 'usr',
    plural: 'users',
    label: 'username',
    isUnique: true,
    selectors: 'Username, email address or id',
    about: ['name', 'role', 'status'],
    audited: [
      'create',
      'update',
      'passwd',
      'rehash',
      'disable',
      'enable',
      'session-create',
      'session-extend',
      'session-revoke',
      'account-unlink',
      'offboard',
      'erase',
      'delete',
      ...limited,
      ...imported,
    ],
  },
  project: {
    prefix: 'prj',
    plural: 'projects',
    label: 'slug',
    isUnique: true,
    selectors: 'Slug, name or id',
    about: ['name', 'owner', 'status'],
    audited: [
      'create',
      'update',
      'transfer',
      ...membership,
      'archive',
      'unarchive',
      'delete',
      'file-put',
      'file-move',
      'file-remove',
      'file-sync',
      'state-set',
      'state-phase',
      'state-file',
      'state-message',
      'state-reset',
      ...limited,
      ...imported,
    ],
  },
  chat: {
    prefix: 'cht',
    plural: 'chats',
    label: 'title',
    isUnique: false,
    selectors: 'Title or id',
    about: ['id', 'user', 'updatedAt'],
    audited: ['create', 'rename', 'session', 'append', 'delete', ...imported],
  },
  org: {
    prefix: 'org',
    plural: 'organizations',
    label: 'slug',
    isUnique: true,
    selectors: 'Slug, name or id',
    about: ['name', 'createdAt'],
    audited: [
      'create',
      'update',
      'delete',
      ...membership,
      'invite',
      'invitation-accept',
      'invitation-cancel',
      ...limited,
      ...imported,
    ],
  },
  team: {
    prefix: 'tea',
    plural: 'teams',
    label: 'name',
    isUnique: 'in its organization',
    selectors: 'Name or id',
    about: ['id', 'organization'],
    audited: ['create', 'update', 'delete', 'member-add', 'member-remove', ...limited, ...imported],
  },
  role: {
    prefix: 'rol',
    plural: 'roles',
    label: 'name',
    isUnique: 'in its organization',
    selectors: 'Name or id',
    about: ['id', 'organization'],
    audited: ['create', 'update', 'delete'],
  },
} as const satisfies Readonly<Record<string, Facts>>

export type Noun = keyof typeof nouns

export const nounNames = Object.keys(nouns) as readonly Noun[]

/** Whether a word is a noun. */
export const isNoun = (word: string): word is Noun => Object.hasOwn(nouns, word)

/** What people know a thing by. */
export const labelOf = (noun: Noun, thing: object): string => String(Reflect.get(thing, nouns[noun].label))

/**
 * Nouns that usage is of: they can have limits, in the order in which these are shown, and their names stay with what they
 * used.
 */
export const limitedNouns = ['key', 'user', 'project', 'org', 'team'] as const satisfies readonly Noun[]
export type LimitedNoun = (typeof limitedNouns)[number]

export const isLimited = (noun: Noun): noun is LimitedNoun => limitedNouns.some(each => each === noun)

/** What other systems have too, in the order in which it is imported: each belongs to those before it. */
export const importedNouns = ['user', 'project', 'key'] as const satisfies readonly Noun[]
export type ImportedNoun = (typeof importedNouns)[number]

/** Rows that an import also brings, each after what it refers to. */
export const importedRows = [
  'org',
  'role',
  'member',
  'team',
  'team_member',
  'invitation',
  'account',
  'session',
] as const
export type ImportedRow = (typeof importedRows)[number]

/** A value for each noun, by its plural. */
export type ByPlural<T> = { readonly [P in (typeof nouns)[Noun]['plural']]: T }

export const byPlural = <T>(of: (noun: Noun) => T): ByPlural<T> =>
  Object.fromEntries(nounNames.map(noun => [nouns[noun].plural, of(noun)])) as ByPlural<T>
