/** Fills a database with made-up data, for demonstrations and load tests. */
import { LatchkeyError } from '../../contract/errors.ts'
import type { Seeded } from '../../contract/views.ts'
import type { BulkUsage, Database } from '../../db/engine.ts'
import { counterNames } from '../../db/facts.ts'
import type { Table } from '../../db/query.ts'
import { chats, messages } from '../../db/schema/chats.ts'
import { keys, secrets } from '../../db/schema/keys.ts'
import { projects, users } from '../../db/schema/people.ts'
import { bucketAt, widths } from '../../db/spans.ts'
import { record } from '../audit.ts'
import type { BesideContext } from '../context.ts'
import type { SeedOptions, SeedPart } from './input.ts'

/**
 * Writes the rows in one transaction, in flat memory, with one audit row. Nobody has the secrets of the keys.
 *
 * @throws conflict (the database has data)
 */
export async function seedDatabase(
  context: BesideContext,
  parts: Iterable<SeedPart>,
  { randomSeed, force = false }: SeedOptions,
): Promise<Seeded> {
  return context.store.write(async db => {
    if (!force) await requireEmpty(db)
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

/** @throws conflict */
async function requireEmpty(db: Database): Promise<void> {
  for (const [name, table] of Object.entries({ users, projects, keys, chats })) {
    const count = await db.$count(table)
    if (count === 0) continue
    throw new LatchkeyError(
      'conflict',
      `the database already has ${count} ${count === 1 ? name.slice(0, -1) : name}`,
      'seed a new one: latchkey init --db NEW, or add to this one with --force',
    )
  }
}

type Counts = Omit<Seeded, 'randomSeed'>

/** A statement takes so many rows. */
const batchSize = 500

class Sower {
  readonly #db: Database
  readonly #bulk: BulkUsage
  readonly #counts = { users: 0, projects: 0, keys: 0, chats: 0, messages: 0, requests: 0 }
  /** Parents first, which is the order in which they are written. */
  readonly #waiting = new Map<Table, object[]>(
    [users, projects, keys, secrets, chats, messages].map(table => [table, []]),
  )
  #size = 0

  constructor(db: Database, bulk: BulkUsage) {
    this.#db = db
    this.#bulk = bulk
  }

  async take(part: SeedPart): Promise<void> {
    if (part.is === 'usage') return this.#count(part)
    const { id, at } = part
    const made = { id, createdAt: at, updatedAt: at }
    if (part.is === 'user') {
      const { username, name, email, isAdmin } = part
      this.#counts.users++
      await this.#add(users, {
        ...made,
        username,
        name,
        email,
        role: isAdmin ? 'admin' : 'member',
        service: false,
      })
    } else if (part.is === 'project') {
      this.#counts.projects++
      await this.#add(projects, { ...made, name: part.name, slug: part.slug, ownerId: part.owner })
    } else if (part.is === 'key') {
      const { name, user: userId, project: projectId } = part
      this.#counts.keys++
      await this.#add(keys, { ...made, name, userId, projectId, scopes: [] })
      await this.#add(secrets, {
        hash: unknownSecret(id),
        keyId: id,
        start: `lk_${id.slice(-6)}`,
        createdAt: at,
      })
    } else if (part.is === 'chat') {
      const { title, user: userId, project: projectId, updatedAt } = part
      this.#counts.chats++
      await this.#add(chats, { ...made, title, userId, projectId, updatedAt })
    } else {
      const { chat: chatId, position, role, content } = part
      this.#counts.messages++
      await this.#add(messages, { id, chatId, position, role, content, createdAt: at })
    }
  }

  async end(): Promise<Counts> {
    await this.#write()
    return this.#counts
  }

  async #add(table: Table, row: object): Promise<void> {
    this.#waiting.get(table)?.push(row)
    if (++this.#size >= batchSize) await this.#write()
  }

  async #write(): Promise<void> {
    for (const [table, rows] of this.#waiting) {
      if (rows.length > 0) await this.#db.insert(table).values(rows.splice(0) as never)
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
    this.#counts.requests += requests
    const counts = Float64Array.from(counterNames, name => told[name] ?? 0)
    const modelId = await this.#bulk.modelOf(model)
    for (const width of widths) this.#bulk.add(width, series, bucketAt(width, at), modelId, counts, 0, at)
  }
}

/** A hash that is none of a secret that anybody knows: rotating the key makes one that can be used. */
const unknownSecret = (id: string): string =>
  [...new Bun.CryptoHasher('sha256').update(id).digest('hex')].toReversed().join('')
