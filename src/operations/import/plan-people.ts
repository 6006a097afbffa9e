/**
 * Plans what to do with the users and projects of a source. A user who already exists here, by email address or else by
 * username, is linked and never changed. Changes nothing.
 */

import type { Database } from '../../db/engine.ts'
import { projects, users } from '../../db/schema/people.ts'
import type { MoreOfUser } from '../../formats/foreign-data.ts'
import type { Row } from '../nouns.ts'
import { hashesOf } from '../people/passwords.ts'
import { newId } from '../rules/ids.ts'
import { hashSecret } from '../rules/secrets.ts'
import { fold, handles, Names } from './names.ts'
import { type Remembered, rememberedOf } from './nouns.ts'
import {
  changedFields,
  itemCreated,
  itemUpdated,
  leave,
  type Owner,
  type Plan,
  rename,
  type Stamp,
  sameAsLast,
  taken,
} from './plan.ts'
import type { IncomingProject, IncomingUser, Refused } from './prepare.ts'
import { projectState, read, type UserState, userState } from './state.ts'

/** `owners` are the users after the import, by their ids in the source. */
export async function planUsers(
  db: Database,
  stamp: Stamp,
  incoming: readonly (IncomingUser | Refused)[],
): Promise<{ readonly plans: readonly Plan[]; readonly owners: ReadonlyMap<string, Owner> }> {
  const owners = new Map<string, Owner>()
  if (incoming.length === 0) return { plans: [], owners }
  const here = await db.select().from(users)
  const hashes = await hashesOf(db)
  const known = await rememberedOf(db, 'user', stamp.source)
  const byId = new Map(here.map(row => [row.id, row]))
  const names = new Names(
    handles,
    here.map(row => row.username),
  )
  const emails = new Set(here.flatMap(row => (row.email === null ? [] : [fold(row.email)])))
  const match = matcher(here, incoming, new Set([...known.values()].map(({ id }) => id)))
  const plans = incoming.map((user): Plan => {
    if ('refusal' in user) return leave('user', user.name, user.refusal, 'refused')
    const last = known.get(user.id)
    const row = last && byId.get(last.id)
    const twin = row ? undefined : match(user)
    const plan = row
      ? planUserUpdate(stamp, user, row, hashes.get(row.id) ?? null, last, names, emails)
      : twin
        ? planLink(user, twin)
        : planUser(stamp, user, names, emails)
    const id = row?.id ?? plan.write?.id
    if (id !== undefined) {
      const isLinked = twin !== undefined || (last !== undefined && read(userState, last.state, id).linked)
      const isTrusted = !isLinked || user.more?.emailVerified !== false
      owners.set(user.id, { id, username: plan.item.name, isTrusted })
    }
    return plan
  })
  return { plans, owners }
}

/**
 * Finds the matching user here: by email address if the source has one, else by username. A username made from an email
 * address does not match anybody. Two users of a source never become one.
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
      (email !== null || sourceName === null ? undefined : byName.get(fold(sourceName)))
    if (!row || linked.has(row.id)) return undefined
    const isOneOfMany = sourceName !== null && (sameName.get(fold(sourceName))?.length ?? 0) > 1
    if (isOneOfMany && row.username !== sourceName) return undefined
    linked.add(row.id)
    return row
  }
}

const stateOf = (user: IncomingUser, linked: boolean): UserState => ({
  username: user.username,
  email: user.email,
  name: user.name,
  password: user.passwordHash === null ? null : hashSecret(user.passwordHash),
  linked,
  ...(user.more && { more: user.more }),
})

function planLink(user: IncomingUser, row: Row<'user'>): Plan {
  const same =
    user.email !== null && fold(row.email ?? '') === fold(user.email) ? 'email address' : 'username'
  return {
    ...leave(
      'user',
      row.username,
      `linked to the user of the same ${same} here (${row.id}), who is not changed`,
    ),
    write: { action: 'linked', foreignId: user.id, id: row.id, state: stateOf(user, true), fields: {} },
  }
}

function planUser(stamp: Stamp, user: IncomingUser, names: Names, emails: Set<string>): Plan {
  const id = newId('usr', stamp.now)
  const username = names.take(user.username)
  const isTaken = user.email !== null && emails.has(fold(user.email))
  if (user.email !== null) emails.add(fold(user.email))
  const { name, passwordHash } = user
  const updatedAt = stamp.now.getTime()
  const row: typeof users.$inferInsert & { passwordHash: string | null } = {
    id,
    username,
    email: isTaken ? null : user.email,
    name,
    role: 'member',
    service: false,
    passwordHash,
    createdAt: user.createdAt ?? updatedAt,
    updatedAt,
    ...(user.more && moreFields(user.more, updatedAt)),
  }
  const reasons = [
    ...taken('name', user.username, username),
    ...(isTaken ? ['its email address is taken here'] : []),
    ...user.reasons,
    ...(user.more?.role === 'admin' ? ['is an admin there, and so here'] : []),
    ...(user.more?.banned ? ['is banned there, and so disabled here'] : []),
  ]
  return {
    item: itemCreated('user', username, reasons),
    write: { action: 'created', foreignId: user.id, id, state: stateOf(user, false), fields: row },
  }
}

function moreFields({ banned, disabledReason, disabledUntil, ...more }: MoreOfUser, at: number) {
  return banned ? { ...more, disabledAt: at, disabledReason, disabledUntil } : more
}

/** What changed in the source since the last import, of the fields that not every system has. */
function moreChanges(
  next: MoreOfUser | undefined,
  before: UserState['more'],
  row: Row<'user'>,
  now: number,
): Record<string, unknown> {
  if (next === undefined) return {}
  const last = before ?? {
    emailVerified: false,
    image: null,
    role: 'member',
    banned: false,
    disabledReason: null,
    disabledUntil: null,
  }
  const fields = changedFields(['emailVerified', 'image', 'role'], next, last, row)
  const ban = changedFields(['disabledReason', 'disabledUntil'], next, last, row)
  if (next.banned) {
    const isNew = !last.banned && row.disabledAt === null
    return { ...fields, ...ban, ...(isNew ? { disabledAt: now } : {}) }
  }
  const isOver = last.banned && row.disabledAt !== null
  return { ...fields, ...(isOver ? { disabledAt: null, disabledReason: null, disabledUntil: null } : {}) }
}

function planUserUpdate(
  { now }: Stamp,
  user: IncomingUser,
  row: Row<'user'>,
  hash: string | null,
  last: Remembered,
  names: Names,
  emails: Set<string>,
): Plan {
  const before = read(userState, last.state, row.id)
  const next = stateOf(user, false)
  if (before.linked) {
    return leave('user', row.username, `linked to the user here (${row.id}), who is not changed`)
  }
  if (Bun.deepEquals(next, before)) return sameAsLast('user', row.username)
  const [username, renamed] = rename('name', names, user.username, before.username, row.username)
  const fields: Record<string, unknown> = {
    ...(username === row.username ? {} : { username }),
    ...changedFields(['email', 'name'], user, before, row),
    ...moreChanges(user.more, before.more, row, now.getTime()),
  }
  const reasons = [...renamed]
  if ('email' in fields && user.email !== null) {
    if (emails.has(fold(user.email)) && fold(row.email ?? '') !== fold(user.email)) {
      reasons.push('its new email address is taken here')
      delete fields['email']
    } else emails.add(fold(user.email))
  }
  if (next.password !== before.password) {
    const current = hash === null ? null : hashSecret(hash)
    if (current === before.password) fields['passwordHash'] = user.passwordHash
    else if (current !== next.password) reasons.push('its password was changed here and is kept')
  }
  const changed = Object.keys(fields).map(field => words[field] ?? field)
  return {
    item: itemUpdated('user', username, changed, reasons),
    write: { action: 'updated', foreignId: user.id, id: row.id, last, state: next, fields },
  }
}

const words: Readonly<Record<string, string>> = {
  passwordHash: 'password',
  emailVerified: 'verified',
  disabledAt: 'ban',
  disabledReason: 'ban',
  disabledUntil: 'ban',
}

/** @param owners by their ids in the source */
export async function planProjects(
  db: Database,
  stamp: Stamp,
  incoming: readonly (IncomingProject | Refused)[],
  owners: ReadonlyMap<string, Owner>,
): Promise<readonly Plan[]> {
  if (incoming.length === 0) return []
  const here = await db.select().from(projects)
  const known = await rememberedOf(db, 'project', stamp.source)
  const byId = new Map(here.map(row => [row.id, row]))
  const slugs = new Names(
    handles,
    here.map(row => row.slug),
  )
  return incoming.map((project): Plan => {
    if ('refusal' in project) return leave('project', project.name, project.refusal, 'refused')
    const owner = owners.get(project.ownerId)
    if (!owner) throw new Error('a project whose owner was not looked for')
    const last = known.get(project.id)
    const row = last && byId.get(last.id)
    return row
      ? planProjectUpdate(project, row, last, slugs, owner)
      : planProject(stamp, project, slugs, owner)
  })
}

function planProject(stamp: Stamp, project: IncomingProject, slugs: Names, owner: Owner): Plan {
  const id = newId('prj', stamp.now)
  const slug = slugs.take(project.slug)
  const updatedAt = stamp.now.getTime()
  const { name, createdAt } = project
  const row = { id, slug, name, ownerId: owner.id, createdAt: createdAt ?? updatedAt, updatedAt }
  return {
    item: itemCreated('project', slug, taken('slug', project.slug, slug)),
    write: { action: 'created', foreignId: project.id, id, state: stateOfProject(project), fields: row },
  }
}

const stateOfProject = ({ name, slug, ownerId }: IncomingProject) => ({ name, slug, ownerId })

function planProjectUpdate(
  project: IncomingProject,
  row: Row<'project'>,
  last: Remembered,
  slugs: Names,
  owner: Owner,
): Plan {
  const before = read(projectState, last.state, row.id)
  const next = stateOfProject(project)
  if (Bun.deepEquals(next, before)) return sameAsLast('project', row.slug)
  const [slug, reasons] = rename('slug', slugs, project.slug, before.slug, row.slug)
  const fields = {
    ...changedFields(['name'], next, before, row),
    ...(slug === row.slug ? {} : { slug }),
    // One that was given to an organization stays there.
    ...(next.ownerId === before.ownerId || owner.id === row.ownerId || row.organizationId !== null
      ? {}
      : { ownerId: owner.id }),
  }
  const changed = Object.keys(fields).map(field => (field === 'ownerId' ? 'owner' : field))
  return {
    item: itemUpdated('project', slug, changed, reasons),
    write: { action: 'updated', foreignId: project.id, id: row.id, last, state: next, fields },
  }
}
