/**
 * The models of Better Auth whose rows are Latchkey's: which field is which column, and in what form. A user without an
 * email address is Latchkey's alone, because Better Auth needs one.
 */
import type { Noun } from '../../contract/nouns.ts'
import {
  asNumber,
  type Column,
  isNotNull,
  type SQL,
  type SQLWrapper,
  sql,
  type Table,
} from '../../db/query.ts'
import { accounts, sessions, verifications } from '../../db/schema/accounts.ts'
import { invitations, organizationMembers, roles, teamMembers, teams } from '../../db/schema/members.ts'
import { organizations } from '../../db/schema/organizations.ts'
import { users } from '../../db/schema/people.ts'
import { word } from '../../db/words.ts'
import { disabledAt } from '../people/status-condition.ts'
import type { IdPrefix } from '../rules/ids.ts'
import { hashSecret } from '../rules/secrets.ts'

/** Columns by their names in the schema. */
export type Columns = Readonly<Record<string, unknown>>

export interface Field {
  /** What conditions and orders are on. */
  readonly of: SQLWrapper
  readonly read: (row: Columns) => unknown
  /** The columns that a value sets. */
  readonly write: (value: unknown, at: Date) => Columns
  /** A value as conditions compare it. */
  readonly bound: (value: unknown) => unknown
}

export interface Model {
  readonly table: Table & { readonly id: Column }
  /** The column that keeps the fields that applications add, as JSON. */
  readonly additional?: Column
  /** Of its ids. */
  readonly prefix: IdPrefix
  readonly fields: Readonly<Record<string, Field>>
  /** What the audit log has of it; nothing when left out. */
  readonly audited?: Audited
  /** The rows that are Better Auth's; all when left out. */
  readonly own?: SQL
  /** Those of them that it finds. */
  readonly found?: (now: Date) => SQL
  /** Columns that it does not know. */
  readonly completed?: (given: Columns) => Columns
}

export interface Audited {
  readonly noun: Noun
  /** The column with the id of the thing that is changed, if that is not the row itself. */
  readonly by?: string
  /** What a row is that is made, changed and removed. */
  readonly verbs: readonly [string, string, string]
}

const thing = (noun: Noun): Audited => ({ noun, verbs: ['create', 'update', 'delete'] })

interface Form {
  readonly read?: (stored: unknown) => unknown
  readonly write?: (value: unknown) => unknown
  readonly bound?: (value: unknown) => unknown
}

const same = (value: unknown): unknown => value

/** A field that is a column. */
function columnOf(
  table: Table,
  name: string,
  { read = same, write = same, bound = write }: Form = {},
): Field {
  return {
    of: Reflect.get(table, name) as Column,
    read: row => read(row[name]),
    write: value => ({ [name]: write(value) }),
    bound,
  }
}

/** Better Auth hands them over as texts. */
const time: Form = {
  read: stored => (typeof stored === 'number' ? new Date(stored) : null),
  write: value => (typeof value === 'string' ? Date.parse(value) : value),
}

/** It hands them over as numbers. */
const flag: Form = { write: value => value === 1 }

/** Found by its hash, which is all that is stored. The hash is accepted too, because lists hand it out to revoke by. */
const token: Form = {
  write: value => (isHash(value) ? value : hashSecret(String(value))),
}

const isHash = (value: unknown): boolean => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value)

/** The fields that are columns of the same name. */
const columns = (table: Table, names: string, form?: Form): Record<string, Field> =>
  Object.fromEntries(names.split(' ').map(name => [name, columnOf(table, name, form)]))

const ban: Field = {
  of: asNumber(isNotNull(users.disabledAt)),
  read: row => row['disabledAt'] !== null,
  write: (value, at) => ({ disabledAt: value === 1 ? at.getTime() : null }),
  bound: same,
}

/** Better Auth calls the usual role `user`, and joins several with commas. */
const role: Form = {
  read: stored => (stored === 'member' ? 'user' : stored),
  write: value => {
    const given = String(value ?? '').split(',')
    return ['admin', 'viewer'].find(each => given.includes(each)) ?? 'member'
  },
}

/** A text in JSON. */
const json: Form = {
  read: stored => (stored === null ? null : JSON.stringify(stored)),
  write: value => (typeof value === 'string' ? JSON.parse(value) : value),
}

/** `{"project":["read"]}` there, and `["project:read"]` here. */
const permissions: Form = {
  read: stored => {
    const granted: Record<string, string[]> = {}
    for (const permission of stored as readonly string[]) {
      const [noun = '', verb = '*'] = permission.split(':')
      granted[noun] = [...(granted[noun] ?? []), verb]
    }
    return JSON.stringify(granted)
  },
  write: value =>
    Object.entries(JSON.parse(String(value)) as Record<string, readonly string[]>).flatMap(([noun, verbs]) =>
      verbs.map(verb => `${noun}:${verb}`),
    ),
}

/** A field that follows from other rows: conditions may ask for it, and it is never written. */
const derived = (of: SQL): Field => ({ of, read: () => null, write: () => ({}), bound: same })

export const models: Readonly<Record<string, Model>> = {
  user: {
    table: users,
    additional: users.additionalFields,
    prefix: 'usr',
    audited: thing('user'),
    own: isNotNull(users.email),
    fields: {
      ...columns(users, 'id username email image'),
      emailVerified: columnOf(users, 'emailVerified', flag),
      ...columns(users, 'createdAt updatedAt', time),
      name: { ...columnOf(users, 'name'), read: row => row['name'] ?? row['username'] },
      role: columnOf(users, 'role', role),
      banned: ban,
      banReason: columnOf(users, 'disabledReason'),
      banExpires: columnOf(users, 'disabledUntil', time),
    },
  },
  session: {
    table: sessions,
    additional: sessions.additionalFields,
    prefix: 'ses',
    // A ban ends sessions at once, whatever Better Auth does then.
    found: now =>
      sql`NOT EXISTS (SELECT 1 FROM ${users} WHERE ${users.id} = ${sessions.userId} AND ${disabledAt(now)})`,
    fields: {
      ...columns(sessions, 'id userId ipAddress userAgent impersonatedBy activeOrganizationId activeTeamId'),
      ...columns(sessions, 'expiresAt createdAt updatedAt', time),
      token: columnOf(sessions, 'tokenHash', token),
    },
  },
  account: {
    table: accounts,
    additional: accounts.additionalFields,
    prefix: 'acc',
    completed: ({ providerId }) => ({
      issuer: providerId === 'credential' ? 'local:credential' : `provider:${providerId}`,
    }),
    fields: {
      ...columns(
        accounts,
        'id userId issuer providerId accountId password accessToken refreshToken idToken scope',
      ),
      ...columns(accounts, 'accessTokenExpiresAt refreshTokenExpiresAt createdAt updatedAt', time),
    },
  },
  organization: {
    table: organizations,
    prefix: 'org',
    audited: thing('org'),
    completed: ({ createdAt }) => ({ updatedAt: createdAt }),
    fields: {
      ...columns(organizations, 'id name slug logo'),
      ...columns(organizations, 'createdAt updatedAt', time),
      metadata: columnOf(organizations, 'metadata', json),
    },
  },
  member: {
    table: organizationMembers,
    prefix: 'mem',
    audited: { noun: 'org', by: 'organizationId', verbs: ['member-add', 'member-role', 'member-remove'] },
    fields: {
      ...columns(organizationMembers, 'id organizationId userId role'),
      ...columns(organizationMembers, 'createdAt', time),
    },
  },
  invitation: {
    table: invitations,
    prefix: 'inv',
    fields: {
      ...columns(invitations, 'id organizationId email role teamId status inviterId'),
      ...columns(invitations, 'expiresAt createdAt', time),
    },
  },
  team: {
    table: teams,
    prefix: 'tea',
    audited: thing('team'),
    completed: ({ createdAt }) => ({ updatedAt: createdAt }),
    fields: {
      ...columns(teams, 'id name organizationId'),
      ...columns(teams, 'createdAt updatedAt', time),
      memberCount: derived(
        sql`(SELECT count(*) FROM ${teamMembers} WHERE ${teamMembers.teamId} = ${teams.id})`,
      ),
    },
  },
  teamMember: {
    table: teamMembers,
    prefix: 'tmm',
    audited: { noun: 'team', by: 'teamId', verbs: ['member-add', 'member-add', 'member-remove'] },
    fields: {
      ...columns(teamMembers, 'id teamId userId'),
      ...columns(teamMembers, 'createdAt', time),
      // No two memberships have the same team and user, which is all that it is for.
      membershipKey: derived(sql`NULL`),
    },
  },
  organizationRole: {
    table: roles,
    prefix: 'rol',
    audited: thing('role'),
    own: isNotNull(roles.organizationId),
    fields: {
      ...columns(roles, 'id organizationId'),
      ...columns(roles, 'createdAt updatedAt', time),
      role: columnOf(roles, 'name'),
      permission: columnOf(roles, 'permissions', permissions),
    },
  },
  verification: {
    table: verifications,
    prefix: 'ver',
    fields: {
      ...columns(verifications, 'id identifier value'),
      ...columns(verifications, 'expiresAt createdAt updatedAt', time),
    },
  },
}

/** A field that an application adds; a text or a number. */
export const additionalField = (column: Column, name: string): Field => ({
  of: sql`(${column}${word('asJson')} ->> ${name})`,
  read: row => (row['additionalFields'] as Columns | null)?.[name] ?? null,
  write: value => ({ [name]: value }),
  bound: same,
})
