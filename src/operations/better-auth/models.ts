/**
 * The models of Better Auth whose rows are Latchkey's. A user without an email address is Latchkey's alone, because Better Auth
 * needs one.
 */
import * as v from 'valibot'
import { asNumber, isNotNull, sql } from '../../db/query.ts'
import { accounts, sessions, verifications } from '../../db/schema/accounts.ts'
import { invitations, organizationMembers, roles, teamMembers, teams } from '../../db/schema/members.ts'
import { organizations } from '../../db/schema/organizations.ts'
import { users } from '../../db/schema/people.ts'
import type { Row } from '../nouns.ts'
import { roleViews } from '../organizations/roles.ts'
import { disabledAt } from '../people/status-condition.ts'
import { userViews } from '../people/users.ts'
import { foreignImage, foreignName, username } from '../rules/input.ts'
import { hashSecret } from '../rules/secrets.ts'
import { apiKeyModel } from './api-keys.ts'
import {
  type Columns,
  columnOf,
  columns,
  derived,
  type Field,
  type Form,
  flag,
  json,
  type Model,
  permissions,
  type StoredRow,
  same,
  thing,
  time,
} from './fields.ts'

/** Found by its hash, which is all that is stored. The hash is accepted too, because lists hand it out to revoke by. */
const token: Form = {
  write: value => (isHash(value) ? value : hashSecret(String(value))),
}

/** Who has the hash alone, such as from a backup, finds nothing. */
const hashed: Form = { write: value => hashSecret(String(value)) }

const isHash = (value: unknown): boolean => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value)

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

export const models: Readonly<Record<string, Model>> = {
  user: {
    table: users,
    additional: users.additionalFields,
    prefix: 'usr',
    audited: { ...thing('user'), views: (db, rows, now) => userViews(db, rows.map(asUser), now) },
    own: isNotNull(users.email),
    rules: v.object({ name: foreignName, image: foreignImage, username: v.optional(username) }),
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
    hashed: ['token'],
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
    sealed: ['accessToken', 'refreshToken', 'idToken'],
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
    rules: v.object({ name: foreignName, slug: foreignName, logo: foreignImage }),
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
    rules: v.object({ name: foreignName }),
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
    audited: { ...thing('role'), views: (db, rows) => roleViews(db, rows.map(asRole)) },
    own: isNotNull(roles.organizationId),
    rules: v.object({ role: foreignName }),
    fields: {
      ...columns(roles, 'id organizationId'),
      ...columns(roles, 'createdAt updatedAt', time),
      role: columnOf(roles, 'name'),
      permission: columnOf(roles, 'permissions', permissions),
    },
  },
  apikey: apiKeyModel,
  verification: {
    table: verifications,
    prefix: 'ver',
    hashed: ['identifier'],
    sealedIfPossible: ['value'],
    fields: {
      ...columns(verifications, 'id value'),
      identifier: columnOf(verifications, 'identifier', hashed),
      ...columns(verifications, 'expiresAt createdAt updatedAt', time),
    },
  },
}

const asRole = (row: StoredRow): Row<'role'> => row as Columns as Row<'role'>

/** A row of the model `user`. */
export const asUser = (row: StoredRow): Row<'user'> => row as Columns as Row<'user'>
