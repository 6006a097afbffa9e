/** Fills a database with made-up data, for demonstrations and load tests. */
import { LatchkeyError } from '../../contract/errors.ts'
import type { Seeded } from '../../contract/views.ts'
import type { BulkUsage, Database } from '../../db/engine.ts'
import { counterNames } from '../../db/facts.ts'
import { eq } from '../../db/query.ts'
import { audit } from '../../db/schema/audit.ts'
import { chats, messages } from '../../db/schema/chats.ts'
import { keys, secrets } from '../../db/schema/keys.ts'
import { limits } from '../../db/schema/limits.ts'
import { invitations, organizationMembers, teamMembers, teams } from '../../db/schema/members.ts'
import { organizations } from '../../db/schema/organizations.ts'
import { projects, users } from '../../db/schema/people.ts'
import { bucketAt, widths } from '../../db/spans.ts'
import { many } from '../../text/quantity.ts'
import { record } from '../audit.ts'
import type { BesideContext } from '../context.ts'
import type { SeedOptions, SeedPart } from './input.ts'

/**
 * Writes the rows in one transaction, in flat memory, with one audit row. Nobody has the secrets of the keys.
 *
 * @throws conflict (the database has data; or, if that is fine, data of the same number)
 */
export async function seedDatabase(
  context: BesideContext,
  parts: Iterable<SeedPart>,
  { randomSeed, force = false }: SeedOptions,
): Promise<Seeded> {
  return context.store.write(async db => {
    if (force) await requireOther(db, randomSeed)
    else await requireEmpty(db)
    const counted = await db.bulk(async bulk => {
      const sower = new Sower(db, bulk)
      for (const part of parts) await sower.take(part)
      return sower.end()
    })
    const [name = context.path] = context.path.split('/').slice(-1)
    const target = { type: 'database', id: name, name: null }
    await record(context, db, { action: 'database.seed', target, after: { randomSeed, ...counted } })
    return { randomSeed, ...counted }
  })
}

/** The same number gives the same ids. @throws conflict */
async function requireOther(db: Database, randomSeed: number): Promise<void> {
  const rows = await db.select({ after: audit.after }).from(audit).where(eq(audit.action, 'database.seed'))
  if (!rows.some(({ after }) => JSON.parse(after ?? '{}').randomSeed === randomSeed)) return
  throw new LatchkeyError(
    'conflict',
    `the database already has the data of the random seed ${randomSeed}`,
    `give another one: --random-seed ${randomSeed + 1}`,
  )
}

/** @throws conflict */
async function requireEmpty(db: Database): Promise<void> {
  for (const [name, table] of Object.entries({ users, organizations, projects, keys, chats })) {
    const count = await db.$count(table)
    if (count === 0) continue
    throw new LatchkeyError(
      'conflict',
      `the database already has ${many(count, name.slice(0, -1))}`,
      'seed a new one: latchkey init --db NEW, or add to this one with --force',
    )
  }
}

type Counts = Omit<Seeded, 'randomSeed'>

/** A statement takes so many rows. */
const batchSize = 500

/** Parents first, which is the order in which they are written. */
const tables = {
  users,
  organizations,
  organizationMembers,
  teams,
  teamMembers,
  invitations,
  projects,
  keys,
  secrets,
  limits,
  chats,
  messages,
}

type Name = keyof typeof tables

class Sower {
  readonly #db: Database
  readonly #bulk: BulkUsage
  readonly #waiting = new Map<Name, object[]>(Object.keys(tables).map(name => [name as Name, []]))
  readonly #made: Record<Name, number>
  #requests = 0
  #size = 0

  constructor(db: Database, bulk: BulkUsage) {
    this.#db = db
    this.#bulk = bulk
    this.#made = Object.fromEntries(Object.keys(tables).map(name => [name, 0])) as Record<Name, number>
  }

  async take(part: SeedPart): Promise<void> {
    if (part.is === 'usage') return this.#count(part)
    const { id, at: createdAt } = part
    const made = { id, createdAt }
    const thing = { ...made, updatedAt: createdAt }
    switch (part.is) {
      case 'user': {
        const { username, name, email, isAdmin } = part
        const role = isAdmin ? 'admin' : 'member'
        return this.#add('users', { ...thing, username, name, email, role, service: false })
      }
      case 'org':
        return this.#add('organizations', { ...thing, name: part.name, slug: part.slug })
      case 'member': {
        const { org: organizationId, user: userId, role } = part
        return this.#add('organizationMembers', { ...made, organizationId, userId, role })
      }
      case 'team':
        return this.#add('teams', { ...thing, name: part.name, organizationId: part.org })
      case 'team-member':
        return this.#add('teamMembers', { ...made, teamId: part.team, userId: part.user })
      case 'invitation': {
        const { org: organizationId, team: teamId, inviter: inviterId, email, role, status, expiresAt } = part
        const tokenHash = unknownSecret(id)
        const invited = { organizationId, teamId, inviterId, email, role, status, expiresAt, tokenHash }
        return this.#add('invitations', { ...made, ...invited })
      }
      case 'project': {
        const { name, slug, owner } = part
        return this.#add('projects', { ...thing, name, slug, ...subjectIn(owner, 'ownerId') })
      }
      case 'key': {
        const { name, user: userId, project: projectId } = part
        await this.#add('keys', { ...thing, name, userId, projectId, scopes: [] })
        const start = `lk_${id.slice(-6)}`
        return this.#add('secrets', { hash: unknownSecret(id), keyId: id, start, createdAt })
      }
      case 'limit': {
        const { of, metric, amount, windowMs } = part
        return this.#add('limits', { id, metric, amount, windowMs, ...subjectIn(of, 'keyId') })
      }
      case 'chat': {
        const { title, user: userId, project: projectId, updatedAt } = part
        return this.#add('chats', { ...thing, title, userId, projectId, updatedAt })
      }
      case 'message': {
        const { chat: chatId, position, role, content } = part
        return this.#add('messages', { ...made, chatId, position, role, content })
      }
    }
  }

  async end(): Promise<Counts> {
    await this.#write()
    const { users, organizations, teams, invitations, projects, keys, chats, messages } = this.#made
    const requests = this.#requests
    return { users, organizations, teams, invitations, projects, keys, chats, messages, requests }
  }

  async #add(name: Name, row: object): Promise<void> {
    this.#waiting.get(name)?.push(row)
    this.#made[name]++
    if (++this.#size >= batchSize) await this.#write()
  }

  async #write(): Promise<void> {
    for (const [name, rows] of this.#waiting) {
      if (rows.length > 0) await this.#db.insert(tables[name]).values(rows.splice(0) as never)
    }
    this.#size = 0
  }

  /** No two of a key are on one day. */
  async #count({ key, at, model, requests = 1, ...used }: Extract<SeedPart, { is: 'usage' }>): Promise<void> {
    await this.#write()
    const series = await this.#bulk.seriesOf(key, '')
    if (typeof series === 'string') throw new Error(`usage of a key that was not made: ${key}`)
    const told: Partial<Record<(typeof counterNames)[number], number>> = {
      requests,
      inputTokens: used.inputTokens,
      outputTokens: used.outputTokens,
      costMicros: Math.round(used.costUsd * 1_000_000),
    }
    this.#requests += requests
    const counts = Float64Array.from(counterNames, name => told[name] ?? 0)
    const modelId = await this.#bulk.modelOf(model)
    for (const width of widths) this.#bulk.add(width, series, bucketAt(width, at), modelId, counts, 0, at)
  }
}

/** The column of an organization, a team, or what usually has it. */
const subjectIn = (id: string, usual: 'ownerId' | 'keyId'): object => {
  if (id.startsWith('org_')) return { organizationId: id }
  return id.startsWith('tea_') ? { teamId: id } : { [usual]: id }
}

/** A hash that is none of a secret that anybody knows: rotating the key makes one that can be used. */
const unknownSecret = (id: string): string =>
  [...new Bun.CryptoHasher('sha256').update(id).digest('hex')].toReversed().join('')
