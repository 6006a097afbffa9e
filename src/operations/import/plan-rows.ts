/**
 * Plans what becomes of organizations with their roles, members, teams and invitations, and of the outside accounts and sessions
 * of users. A row that the source has changed since is changed here, what was changed here stays, and a row that was deleted here
 * does not come back.
 */
import { type ImportedRow, importedRows as types } from '../../contract/nouns.ts'
import type { ImportItem } from '../../contract/views.ts'
import type { Database } from '../../db/engine.ts'
import { asc, eq, idsOf, isNull, oneOf, or } from '../../db/query.ts'
import { accounts, sessions } from '../../db/schema/accounts.ts'
import { importedRows, imports } from '../../db/schema/imports.ts'
import { invitations, organizationMembers, roles, teamMembers } from '../../db/schema/members.ts'
import { organizations } from '../../db/schema/organizations.ts'
import type { ForeignRow } from '../../formats/foreign-data.ts'
import { namesIn } from '../organizations/role-names.ts'
import { newId } from '../rules/ids.ts'
import { hashSecret } from '../rules/secrets.ts'
import { Names } from './names.ts'
import type { Fields } from './nouns.ts'
import { type Owner, type Stamp, unverified } from './plan.ts'
import {
  type Entry,
  hashesOf,
  isNameTaken,
  labelOf,
  type RowPlan,
  rowsHere,
  rowTables,
  type StoredRow,
  secretFields,
  uniqueNames,
} from './rows.ts'
import type { SourceSecrets } from './texts.ts'

/** A thing here that rows of the source refer to; null if it was deleted here. */
type Found = { readonly id: string; readonly name: string } | null

/**
 * @param incoming every row of the source: of none, all that came from it are gone
 * @param owners the users after the import, by their ids in the source
 */
export async function planRows(
  db: Database,
  stamp: Stamp,
  incoming: readonly ForeignRow[],
  owners: ReadonlyMap<string, Owner>,
  secrets: SourceSecrets,
): Promise<readonly RowPlan[]> {
  const known = await entriesOf(db, stamp.source)
  const found: Record<'org' | 'team', Map<string, Found>> = { org: new Map(), team: new Map() }
  const plans: RowPlan[] = []
  const slugs = new Names(
    { longest: 200, suffix: n => `-${n}` },
    (await db.select({ slug: organizations.slug }).from(organizations)).map(({ slug }) => slug),
  )
  for (const type of types) {
    const given = incoming.filter(row => row.type === type).map(row => withoutSecrets(row, secrets))
    const some = given.flatMap(({ row }) => row ?? [])
    const mine = new Map([...known.values()].filter(entry => entry.type === type).map(e => [e.foreignId, e]))
    const here = await rowsHere(
      db,
      type,
      [...mine.values()].map(({ targetId }) => targetId),
    )
    const twins = await twinsHere(db, type, some, found)
    const planned: RowPlan[] = []
    for (const [index, { id, row, remark }] of given.entries()) {
      const last = mine.get(id)
      mine.delete(id)
      const plan = row && planRow(stamp, row, { owners, found, slugs, here, twins, last, remark })
      if (plan) planned.push(plan)
      else if (!row)
        planned.push({ item: { type, name: `${type} ${index + 1}`, outcome: 'refused', reason: heldSecret } })
    }
    plans.push(...withoutClashes(type, planned, [...twins.values()]))
    for (const entry of mine.values()) {
      const row = here.get(entry.targetId)
      const plan = row && planGone(stamp, entry, row, nameIn(owners, entry, row))
      if (plan) plans.push(plan)
    }
  }
  return plans
}

/** Refuses changes by which two rows would have one name; slugs get a number instead. */
function withoutClashes(
  type: ImportedRow,
  planned: readonly RowPlan[],
  beside: readonly StoredRow[],
): readonly RowPlan[] {
  const { column, key } = uniqueNames[type] ?? {}
  if (key === undefined || type === 'org') return planned
  let plans = planned
  for (;;) {
    const after = new Map(beside.map(row => [row.id, row]))
    for (const { write } of plans) {
      if (write?.action === 'updated' && write.row) after.set(write.id, { ...write.row, ...write.fields })
    }
    const holders = Map.groupBy(after.values(), key)
    const next = plans.map(plan => {
      const { item, write } = plan
      const row = write && after.get(write.id)
      if (write?.action !== 'updated' || !write.row || !row || key(row) === key(write.row)) return plan
      if (!isNameTaken(row, key, holders)) return plan
      return { item: { ...item, outcome: 'refused' as const, reason: `its new ${column} is taken here` } }
    })
    if (next.every((plan, index) => plan === plans[index])) return plans
    plans = next
  }
}

const heldSecret = 'it holds a secret, and secrets are never stored'

/** A row without what may be left out if it holds a secret; undefined if anything else does. */
function withoutSecrets(row: ForeignRow, secrets: SourceSecrets) {
  const { id } = row
  // Only the hash of a token is stored.
  const { token, ...stored } = row.fields
  const { refusal, fields, remarks } = secrets.sift(stored, ['metadata', 'logo'])
  if (refusal !== null || secrets.areIn(id)) return { id, row: undefined, remark: '' }
  return { id, row: { ...row, fields: { ...fields, token } }, remark: remarks.join('; ') }
}

const nameIn = (owners: ReadonlyMap<string, Owner>, { userId }: Entry, row: StoredRow): string =>
  [...owners.values()].find(({ id }) => id === userId)?.username ?? labelOf(row)

/** The newest entry of each row that came from this source. */
async function entriesOf(db: Database, source: string): Promise<ReadonlyMap<string, Entry>> {
  const rows = await db
    .select({ entry: importedRows })
    .from(importedRows)
    .innerJoin(imports, eq(imports.id, importedRows.importId))
    .where(eq(imports.source, source))
    .orderBy(asc(importedRows.importId))
  return new Map(rows.map(({ entry }) => [`${entry.type} ${entry.foreignId}`, entry]))
}

/** What makes two rows the same one. */
const twinKeys: Readonly<Partial<Record<ImportedRow, (row: Fields) => string>>> = {
  role: ({ organizationId, name }) => `${organizationId} ${name}`,
  member: ({ organizationId, userId }) => `${organizationId} ${userId}`,
  team_member: ({ teamId, userId }) => `${teamId} ${userId}`,
  invitation: ({ id }) => String(id),
  account: ({ issuer, accountId }) => `${issuer} ${accountId}`,
  session: ({ tokenHash }) => String(tokenHash),
}

/** Rows that are here already, by what would make one of the source the same. */
async function twinsHere(
  db: Database,
  type: ImportedRow,
  incoming: readonly ForeignRow[],
  found: Record<'org' | 'team', ReadonlyMap<string, Found>>,
): Promise<Map<string, StoredRow>> {
  const key = twinKeys[type]
  if (key === undefined || incoming.length === 0) return new Map()
  const ids = (of: 'org' | 'team') => [...found[of].values()].flatMap(each => each?.id ?? [])
  const texts = (field: string) => incoming.map(({ fields }) => String(fields[field]))
  const table = rowTables[type]
  const among = {
    org: undefined,
    team: undefined,
    role: or(oneOf(roles.organizationId, ids('org')), isNull(roles.organizationId)),
    member: oneOf(organizationMembers.organizationId, ids('org')),
    team_member: oneOf(teamMembers.teamId, ids('team')),
    invitation: oneOf(invitations.id, idsOf(incoming)),
    account: oneOf(accounts.accountId, texts('accountId')),
    session: oneOf(sessions.tokenHash, texts('token').map(hashSecret)),
  }[type]
  const rows = (await db.select().from(table).where(among)) as readonly StoredRow[]
  return new Map(rows.map(row => [key(row), row]))
}

interface Beside {
  readonly owners: ReadonlyMap<string, Owner>
  readonly found: Record<'org' | 'team', Map<string, Found>>
  readonly slugs: Names
  readonly here: ReadonlyMap<string, StoredRow>
  readonly twins: Map<string, StoredRow>
  readonly last: Entry | undefined
  /** What else to say of it. */
  readonly remark: string
}

const prefixes = {
  org: 'org',
  role: 'rol',
  member: 'mem',
  team: 'tea',
  team_member: 'tmm',
  invitation: 'inv',
  account: 'acc',
  session: 'ses',
} as const

/** Undefined for what needs no mention. */
function planRow(stamp: Stamp, from: ForeignRow, beside: Beside): RowPlan | undefined {
  const { type, refs } = from
  const { found, last, twins } = beside
  const user = typeof refs.user === 'string' ? beside.owners.get(refs.user) : undefined
  const org = typeof refs.org === 'string' ? found.org.get(refs.org) : undefined
  const team = typeof refs.team === 'string' ? found.team.get(refs.team) : undefined
  const [label, words] = wordsFor(from, { user, org, team })
  const about = [words, beside.remark].filter(text => text !== '').join('; ')
  const item = (outcome: ImportItem['outcome'], ...reasons: readonly (string | undefined)[]): ImportItem => ({
    type,
    name: label,
    outcome,
    reason: reasons.filter(reason => reason !== undefined && reason !== '').join('; ') || null,
  })
  const refused = (why: string): RowPlan => ({ item: item('refused', about, why) })
  if (from.problem !== undefined) return refused(from.problem)
  // A session that is over is none.
  if (type === 'session' && Number(from.fields['expiresAt']) <= stamp.now.getTime()) return undefined
  if (type === 'invitation' && Number(from.fields['expiresAt']) <= stamp.now.getTime()) return undefined
  if ('user' in refs && user === undefined) return refused('its user is not in the source, or was left out')
  if (user?.isTrusted === false) return refused(unverified)
  const isInOrg = type !== 'session' && 'org' in refs
  if (isInOrg && org === undefined) return refused('its organization is not in the source, or was left out')
  if (type === 'team_member' && team === undefined)
    return refused('its team is not in the source, or was left out')
  if ((isInOrg && org === null) || (type === 'team_member' && team === null)) {
    return { item: item('unchanged', about, 'it belongs to something that was deleted here since') }
  }
  const inviter = typeof refs.inviter === 'string' ? beside.owners.get(refs.inviter)?.id : undefined
  const ids = { user: user?.id, org: org?.id, team: team?.id, inviter }
  const fields = valuesOf(from, ids)
  const problem = misfit(type, fields)
  if (problem !== null) return refused(problem)
  const state = hashesOf(fields)
  const remember = (to: Found) => {
    if (type === 'org' || type === 'team') found[type].set(from.id, to)
  }
  if (last !== undefined) {
    const row = beside.here.get(last.targetId)
    remember(row ? { id: row.id, name: labelOf(row) } : null)
    if (row === undefined) return { item: item('unchanged', about, 'deleted here since it was imported') }
    if (last.action === 'linked')
      return { item: item('unchanged', about, 'was here before, and is not changed') }
    return planChange(from, {
      item: words => ({ ...item('updated', about, words), name: label }),
      row,
      last,
      state,
      fields,
      slugs: beside.slugs,
    })
  }
  const key = twinKeys[type]?.({ id: from.id, ...fields })
  const twin = (key === undefined ? undefined : twins.get(key)) ?? nameOfAll(type, fields, twins)
  if (twin !== undefined) {
    if (twin['isNew'] === true) return refused('it is in the source twice')
    const isSame =
      type === 'role'
        ? twin['organizationId'] !== null
        : (twin['userId'] ?? null) === (fields['userId'] ?? null)
    if (!isSame)
      return refused(
        type === 'role'
          ? 'its name is that of a role of all organizations'
          : 'it belongs to another user here',
      )
    const write = {
      type,
      foreignId: from.id,
      id: twin.id,
      action: 'linked',
      state,
      fields: {},
      row: twin,
    } as const
    return { item: item('unchanged', about, 'is here already'), write }
  }
  // Whoever accepts an invitation does so by its id, which was sent.
  const id = type === 'invitation' ? from.id : newId(prefixes[type], stamp.now)
  const { slug } = fields
  const named = typeof slug === 'string' ? { ...fields, slug: beside.slugs.take(slug) } : fields
  const createdAt =
    typeof from.fields['createdAt'] === 'number' ? from.fields['createdAt'] : stamp.now.getTime()
  const row = { ...named, id, createdAt }
  if (key !== undefined) twins.set(key, { ...row, isNew: true })
  remember({ id, name: labelOf(row) })
  const renamed = named['slug'] === slug ? undefined : `the slug "${slug}" was taken`
  const made = item('created', about, renamed)
  return {
    item: type === 'org' ? { ...made, name: labelOf(row) } : made,
    write: { type, foreignId: from.id, id, action: 'created', state, fields: row, row: undefined },
  }
}

/** A role of all organizations has its name everywhere. */
const nameOfAll = (type: ImportedRow, { name }: Fields, twins: ReadonlyMap<string, StoredRow>) =>
  type === 'role' ? twins.get(`null ${name}`) : undefined

interface Changing {
  readonly item: (words: string) => ImportItem
  readonly row: StoredRow
  readonly last: Entry
  readonly state: Entry['state']
  readonly fields: Fields
  readonly slugs: Names
}

function planChange(from: ForeignRow, { item, row, last, state, fields, slugs }: Changing): RowPlan {
  const current = hashesOf(row)
  const inSource = Object.keys(state).filter(field => state[field] !== last.state[field])
  const changed = inSource.filter(field => state[field] !== current[field])
  if (inSource.length === 0)
    return { item: { ...item('unchanged in the source since the last import'), outcome: 'unchanged' } }
  const next = Object.fromEntries(changed.map(field => [field, fields[field]]))
  if (typeof next['slug'] === 'string') {
    slugs.free(String(row['slug']))
    next['slug'] = slugs.take(next['slug'])
  }
  const told = changed.filter(field => !secretFields.includes(field))
  const words =
    told.length > 0 ? `changed in the source: ${told.join(', ')}` : 'it already matches the source'
  const outcome = changed.length > 0 ? ('updated' as const) : ('unchanged' as const)
  return {
    item: { ...item(changed.length > 0 && told.length === 0 ? 'its tokens are newer' : words), outcome },
    write: { type: from.type, foreignId: from.id, id: row.id, action: 'updated', state, fields: next, row },
  }
}

/** A session that ended there ends here too. Other rows are told of, and stay. */
function planGone({ source }: Stamp, entry: Entry, row: StoredRow, name: string): RowPlan | undefined {
  const type = entry.type as ImportedRow
  if (entry.action === 'linked' || type === 'invitation') return undefined
  const reason = `no longer in ${source}`
  if (type !== 'session')
    return { item: { type, name, outcome: 'gone', reason: `${reason}, and still here` } }
  const write = {
    type,
    foreignId: entry.foreignId,
    id: row.id,
    action: 'ended',
    state: {},
    fields: {},
    row,
  } as const
  return { item: { type, name, outcome: 'revoked', reason }, write }
}

type Refs = Readonly<Partial<Record<'user' | 'org' | 'team' | 'inviter', string | undefined>>>

/** The columns that a row of the source has here, besides its id and times. */
function valuesOf({ type, fields: { createdAt: _, token, ...fields } }: ForeignRow, refs: Refs): Fields {
  const organizationId = refs.org
  switch (type) {
    case 'org':
      return fields
    case 'role':
    case 'team':
      return { ...fields, organizationId }
    case 'member':
      return {
        organizationId,
        userId: refs.user,
        role: namesIn(String(fields['role'])).join(',') || 'member',
      }
    case 'team_member':
      return { teamId: refs.team, userId: refs.user }
    case 'invitation':
      return { ...fields, organizationId, teamId: refs.team ?? null, inviterId: refs.inviter ?? null }
    case 'account':
      return { ...fields, userId: refs.user }
    case 'session':
      return {
        ...fields,
        userId: refs.user,
        tokenHash: hashSecret(String(token)),
        activeOrganizationId: organizationId ?? null,
        activeTeamId: refs.team ?? null,
      }
  }
}

/** Why a row cannot be stored; null if it can. */
function misfit(type: ImportedRow, { slug, name, email }: Fields): string | null {
  const isText = (value: unknown, most: number, prefix: string) =>
    typeof value !== 'string' || (value !== '' && value.length <= most && !value.startsWith(prefix))
  if (!isText(slug, 200, 'org_')) return 'its slug cannot be one here'
  const prefix = { team: 'tea_', role: 'rol_' }[String(type)] ?? '\0'
  if (!isText(name, type === 'role' ? 100 : 200, prefix) || (type === 'role' && String(name).includes(','))) {
    return 'its name cannot be one here'
  }
  return typeof email === 'string' && !/^[^@]+@[^@]+$/.test(email) ? 'its email address is none' : null
}

function wordsFor(
  { type, fields }: ForeignRow,
  { user, org, team }: { user: Owner | undefined; org: Found | undefined; team: Found | undefined },
): readonly [label: string, about: string] {
  const of = `of ${org?.name ?? 'an organization'}`
  const who = user?.username ?? 'a user'
  switch (type) {
    case 'org':
      return [String(fields['slug']), '']
    case 'role':
    case 'team':
      return [String(fields['name']), of]
    case 'member':
      return [who, `${of} as ${fields['role']}`]
    case 'team_member':
      return [who, team ? `of the team ${team.name}` : 'of a team']
    case 'invitation':
      return [String(fields['email']), `to ${org?.name ?? 'an organization'} as ${fields['role']}`]
    case 'account':
      return [who, `signs in with ${fields['providerId']}`]
    case 'session':
      return [who, '']
  }
}
