/**
 * Decides what becomes of the users and projects of a source. A user who is here already, under the email address or
 * else the username of the source, is linked and never changed. Reads the database, changes nothing.
 */

import type { ImportItem } from '../../contract/views.ts'
import type { Database } from '../../db/engine.ts'
import { eq } from '../../db/query.ts'
import { importedProjects, importedUsers } from '../../db/schema/imports.ts'
import { projects, users } from '../../db/schema/people.ts'
import type { Row } from '../nouns.ts'
import { newId } from '../rules/ids.ts'
import { hashSecret } from '../rules/secrets.ts'
import { fold, handles, Names } from './names.ts'
import { type Owner, renamed, sentence } from './plan.ts'
import type { IncomingProject, IncomingUser, Refused } from './prepare.ts'
import type { Stamp } from './stamp.ts'
import {
  type ImportedProjectState,
  type ImportedUserState,
  projectState,
  stateOfProject,
  stateOfUser,
  userState,
} from './state.ts'

export type UserPlan = { readonly item: ImportItem } & (
  | { readonly action: 'none' }
  | {
      readonly action: 'link'
      readonly foreignId: string
      readonly id: string
      readonly state: ImportedUserState
    }
  | {
      readonly action: 'create'
      readonly foreignId: string
      readonly row: typeof users.$inferInsert
      readonly state: ImportedUserState
    }
  | {
      readonly action: 'update'
      readonly foreignId: string
      readonly id: string
      readonly changes: UserChanges
      readonly state: ImportedUserState
    }
)

interface UserChanges {
  username?: string
  email?: string | null
  name?: string | null
  passwordHash?: string | null
}

export interface UserPlans {
  readonly plans: readonly UserPlan[]
  /** By id in the source. */
  readonly owners: ReadonlyMap<string, Owner>
}

/** One plan for each user, in the order of the source: they must be applied in that order. */
export async function planUsers(
  db: Database,
  stamp: Stamp,
  incoming: readonly (IncomingUser | Refused)[],
): Promise<UserPlans> {
  if (incoming.length === 0) return { plans: [], owners: new Map() }
  const here = await db.select().from(users)
  const imported = await db.select().from(importedUsers).where(eq(importedUsers.source, stamp.source))
  const byId = new Map(here.map(row => [row.id, row]))
  const known = new Map(imported.map(row => [row.foreignId, row]))
  const names = new Names(
    handles,
    here.map(row => row.username),
  )
  const emails = new Set(here.flatMap(row => (row.email === null ? [] : [fold(row.email)])))
  const match = matcher(here, incoming, new Set(imported.map(row => row.userId)))
  const owners = new Map<string, Owner>()
  const plans = incoming.map((user): UserPlan => {
    if ('refusal' in user) return leave('user', user.name, 'refused', user.refusal)
    const before = known.get(user.foreignId)
    const row = before && byId.get(before.userId)
    if (before && row) {
      const plan = planUserUpdate(user, row, userState(before.state, row.id), names, emails)
      const username = plan.action === 'update' ? plan.changes.username : undefined
      owners.set(user.foreignId, { id: row.id, username: username ?? row.username })
      return plan
    }
    const twin = match(user)
    if (twin) {
      owners.set(user.foreignId, twin)
      return planLink(user, twin)
    }
    const plan = planUser(stamp, user, names, emails)
    owners.set(user.foreignId, plan.row)
    return plan
  })
  return { plans, owners }
}

const leave = (
  type: ImportItem['type'],
  name: string,
  outcome: ImportItem['outcome'],
  reason: string,
): { readonly action: 'none'; readonly item: ImportItem } => ({
  action: 'none',
  item: { type, name, outcome, reason },
})

/**
 * Finds who is meant: by the email address when the source knows it, else by the username. The username that is made
 * of an email address says nothing of who it is. Nobody is two users of one source.
 */
function matcher(
  here: readonly Row<'user'>[],
  incoming: readonly (IncomingUser | Refused)[],
  linked: Set<string>,
): (user: IncomingUser) => Row<'user'> | undefined {
  const byEmail = new Map(here.flatMap(row => (row.email === null ? [] : [[fold(row.email), row]])))
  const byName = new Map(here.map(row => [fold(row.username), row]))
  const sameName = Map.groupBy(incoming, user =>
    'sourceName' in user && user.sourceName !== null ? fold(user.sourceName) : '',
  )
  return user => {
    const { email, sourceName } = user
    const row =
      (email === null ? undefined : byEmail.get(fold(email))) ??
      (sourceName === null ? undefined : byName.get(fold(sourceName)))
    if (!row || linked.has(row.id)) return undefined
    const isOneOfMany = sourceName !== null && (sameName.get(fold(sourceName))?.length ?? 0) > 1
    if (isOneOfMany && row.username !== sourceName) return undefined
    linked.add(row.id)
    return row
  }
}

function planLink(user: IncomingUser, row: Row<'user'>): UserPlan {
  const same =
    user.email !== null && fold(row.email ?? '') === fold(user.email) ? 'email address' : 'username'
  return {
    action: 'link',
    foreignId: user.foreignId,
    id: row.id,
    state: stateOfUser(user, true),
    item: {
      type: 'user',
      name: row.username,
      outcome: 'unchanged',
      reason: `linked to the user of the same ${same} here (${row.id}), who stays as is`,
    },
  }
}

function planUser(
  stamp: Stamp,
  user: IncomingUser,
  names: Names,
  emails: Set<string>,
): Extract<UserPlan, { action: 'create' }> {
  const username = names.take(user.username)
  const isTaken = user.email !== null && emails.has(fold(user.email))
  if (user.email !== null) emails.add(fold(user.email))
  const now = stamp.now.getTime()
  return {
    action: 'create',
    foreignId: user.foreignId,
    state: stateOfUser(user, false),
    row: {
      id: newId('usr', stamp.now),
      username,
      email: isTaken ? null : user.email,
      name: user.name,
      role: 'member',
      service: false,
      passwordHash: user.passwordHash,
      createdAt: user.createdAt ?? now,
      updatedAt: now,
    },
    item: {
      type: 'user',
      name: username,
      outcome: 'created',
      reason: sentence([
        ...renamed(user.username, username),
        ...(isTaken ? ['its email address is taken here'] : []),
        ...user.reasons,
      ]),
    },
  }
}

/** A field that the source changed since is applied; one that it did not keeps whatever was made of it here. */
function planUserUpdate(
  user: IncomingUser,
  row: Row<'user'>,
  state: ImportedUserState,
  names: Names,
  emails: Set<string>,
): UserPlan {
  if (state.linked) {
    return leave('user', row.username, 'unchanged', `linked to the user here (${row.id}), who stays as is`)
  }
  const next = stateOfUser(user, false)
  if (Bun.deepEquals(next, state)) {
    return leave(
      'user',
      row.username,
      'unchanged',
      'nothing has changed in the source since it was last imported',
    )
  }
  const changes: UserChanges = {}
  const reasons: string[] = []
  if (user.username !== state.username && user.username !== row.username) {
    names.free(row.username)
    const username = names.take(user.username)
    reasons.push(...renamed(user.username, username))
    if (username !== row.username) changes.username = username
  }
  if (user.email !== state.email && user.email !== row.email) {
    if (user.email !== null && emails.has(fold(user.email)) && fold(row.email ?? '') !== fold(user.email)) {
      reasons.push('its new email address is taken here')
    } else {
      changes.email = user.email
      if (user.email !== null) emails.add(fold(user.email))
    }
  }
  if (user.name !== state.name && user.name !== row.name) changes.name = user.name
  if (next.password !== state.password) {
    const current = row.passwordHash === null ? null : hashSecret(row.passwordHash)
    if (current === state.password) changes.passwordHash = user.passwordHash
    else if (current !== next.password) reasons.push('its password was set here and stays')
  }
  const changed = Object.keys(changes).map(field => (field === 'passwordHash' ? 'password' : field))
  return {
    action: 'update',
    foreignId: user.foreignId,
    id: row.id,
    changes,
    state: next,
    item: updated('user', changes.username ?? row.username, changed, reasons),
  }
}

function updated(
  type: ImportItem['type'],
  name: string,
  changed: readonly string[],
  reasons: readonly string[],
): ImportItem {
  return changed.length === 0
    ? {
        type,
        name,
        outcome: 'unchanged',
        reason: sentence(
          ['it already was as the source now has it', ...reasons].slice(reasons.length > 0 ? 1 : 0),
        ),
      }
    : {
        type,
        name,
        outcome: 'updated',
        reason: sentence([`changed in the source: ${changed.join(', ')}`, ...reasons]),
      }
}

export type ProjectPlan = { readonly item: ImportItem } & (
  | { readonly action: 'none' }
  | {
      readonly action: 'create'
      readonly foreignId: string
      readonly row: typeof projects.$inferInsert
      readonly state: ImportedProjectState
    }
  | {
      readonly action: 'update'
      readonly foreignId: string
      readonly id: string
      readonly changes: ProjectChanges
      readonly state: ImportedProjectState
    }
)

interface ProjectChanges {
  name?: string
  slug?: string
  ownerId?: string
}

/** One plan for each project, in the order of the source: they must be applied in that order. */
export async function planProjects(
  db: Database,
  stamp: Stamp,
  incoming: readonly (IncomingProject | Refused)[],
  owners: ReadonlyMap<string, Owner>,
): Promise<readonly ProjectPlan[]> {
  if (incoming.length === 0) return []
  const here = await db.select().from(projects)
  const imported = await db.select().from(importedProjects).where(eq(importedProjects.source, stamp.source))
  const byId = new Map(here.map(row => [row.id, row]))
  const known = new Map(imported.map(row => [row.foreignId, row]))
  const slugs = new Names(
    handles,
    here.map(row => row.slug),
  )
  return incoming.map((project): ProjectPlan => {
    if ('refusal' in project) return leave('project', project.name, 'refused', project.refusal)
    const owner = owners.get(project.ownerId)
    if (!owner) throw new Error('a project whose owner was not looked for')
    const before = known.get(project.foreignId)
    const row = before && byId.get(before.projectId)
    return before && row
      ? planProjectUpdate(project, row, projectState(before.state, row.id), slugs, owner)
      : planProject(stamp, project, slugs, owner)
  })
}

function planProject(stamp: Stamp, project: IncomingProject, slugs: Names, owner: Owner): ProjectPlan {
  const slug = slugs.take(project.slug)
  const now = stamp.now.getTime()
  return {
    action: 'create',
    foreignId: project.foreignId,
    state: stateOfProject(project),
    row: {
      id: newId('prj', stamp.now),
      slug,
      name: project.name,
      ownerId: owner.id,
      createdAt: project.createdAt ?? now,
      updatedAt: now,
    },
    item: {
      type: 'project',
      name: slug,
      outcome: 'created',
      reason: slug === project.slug ? null : `the slug "${project.slug}" was taken`,
    },
  }
}

function planProjectUpdate(
  project: IncomingProject,
  row: Row<'project'>,
  state: ImportedProjectState,
  slugs: Names,
  owner: Owner,
): ProjectPlan {
  const next = stateOfProject(project)
  if (Bun.deepEquals(next, state)) {
    return leave(
      'project',
      row.slug,
      'unchanged',
      'nothing has changed in the source since it was last imported',
    )
  }
  const changes: ProjectChanges = {}
  const reasons: string[] = []
  if (project.name !== state.name && project.name !== row.name) changes.name = project.name
  if (project.slug !== state.slug && project.slug !== row.slug) {
    slugs.free(row.slug)
    const slug = slugs.take(project.slug)
    if (slug !== project.slug) reasons.push(`the slug "${project.slug}" was taken`)
    if (slug !== row.slug) changes.slug = slug
  }
  if (project.ownerId !== state.ownerId && owner.id !== row.ownerId) changes.ownerId = owner.id
  const changed = Object.keys(changes).map(field => (field === 'ownerId' ? 'owner' : field))
  return {
    action: 'update',
    foreignId: project.foreignId,
    id: row.id,
    changes,
    state: next,
    item: updated('project', changes.slug ?? row.slug, changed, reasons),
  }
}
