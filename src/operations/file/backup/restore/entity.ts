/**
 * Brings one key, user or project back from a backup, with what belongs to it, in one transaction that touches nothing
 * else. What belongs to a thing are the rows that would go with it: those whose foreign key cascades.
 *
 * Of a thing that is still there, the settings, limits and members go back. Credentials and counters do not: a
 * secret that was rotated or a key that was revoked since, a password that was changed and tokens that were used
 * stay as they are, since taking them back would let in whom somebody has shut out.
 */
import { LatchkeyError } from '../../../../contract/errors.ts'
import type { Backup, Restored } from '../../../../contract/views.ts'
import { latestVersion } from '../../../../db/schema/version.ts'
import type { Client } from '../../../../db/sqlite/client.ts'
import { openPrivate } from '../../../../db/sqlite/copy.ts'
import { databaseOn } from '../../../../db/sqlite/drizzle.ts'
import { rowCounts } from '../../../../db/sqlite/inspect.ts'
import { openWriter, requireCurrent } from '../../../../db/sqlite/open.ts'
import type { FileContext } from '../../../context.ts'
import { requireWords } from '../../../rules/input.ts'
import { findKey, findProject, findUser } from '../../../select.ts'
import { createUnlocked } from '../create.ts'
import { type StoredBackup, toView } from '../manifest.ts'
import { recordInside } from '../trail.ts'
import { columnsOf, type Kind, rows, subjects } from './difference.ts'
import { usersOf } from './live.ts'

/** The one thing to bring back, by what selects it in the backup; none means everything. */
export interface Subject {
  readonly key?: string | undefined
  readonly user?: string | undefined
  readonly project?: string | undefined
}

interface Chosen {
  readonly kind: Kind
  readonly selector: string
}

/** @throws usage when several are asked for */
export function subjectOf(options: Subject): Chosen | undefined {
  const chosen = (['key', 'user', 'project'] as const).flatMap(kind => {
    const selector = options[kind]
    return selector === undefined ? [] : [{ kind, selector }]
  })
  requireWords(Object.fromEntries(chosen.map(({ kind, selector }) => [kind, selector])))
  if (chosen.length <= 1) return chosen[0]
  throw new LatchkeyError(
    'usage',
    'several things to bring back were named',
    'restore them one after another, or all of the backup',
  )
}

/**
 * @param prepare brings the copy to the newest schema
 * @throws not_found, ambiguous, conflict (a name or secret is taken, or what it refers to is missing), schema_older
 */
export async function restoreEntity(
  context: FileContext,
  stored: StoredBackup,
  copy: string,
  chosen: Chosen,
  prepare: (safety: Backup | null) => void,
): Promise<Restored> {
  const { path } = context
  const live = openWriter(path)
  try {
    requireCurrent(live, path)
    prepare(null)
    const id = await find(copy, chosen, stored)
    live.run('PRAGMA busy_timeout = 5000')
    live.query('ATTACH ? AS backup').run(copy)
    // What cannot be done is found out before a safety copy is taken for it.
    const rehearsed = bringBack(context, live, stored, { kind: chosen.kind, id }, null, 'ROLLBACK')
    if (context.dryRun) return rehearsed
    const safetyBackup = await createUnlocked(context, { reason: 'pre-restore' })
    return bringBack(context, live, stored, { kind: chosen.kind, id }, safetyBackup, 'COMMIT')
  } finally {
    live.close()
  }
}

function bringBack(
  context: FileContext,
  live: Client,
  stored: StoredBackup,
  { kind, id }: { readonly kind: Kind; readonly id: string },
  safetyBackup: Backup | null,
  end: 'COMMIT' | 'ROLLBACK',
): Restored {
  live.run('BEGIN IMMEDIATE')
  try {
    const before = rowCounts(live)
    const work = new Return(live, context.now().getTime())
    work.bring(kind, id)
    const { changes } = work
    recordInside(context, live, {
      action: `${kind}.restore`,
      target: { type: kind, id, name: work.get('main', kind, id).name },
      after: {
        backup: stored.manifest.id,
        takenAt: stored.manifest.createdAt.toISOString(),
        safetyBackup: safetyBackup?.id ?? null,
        ...changes,
      },
    })
    const rows = rowCounts(live)
    live.run(end)
    return {
      path: context.path,
      backup: toView(stored),
      safetyBackup,
      movedAside: [],
      schemaVersion: latestVersion,
      rows,
      before,
      changes,
      openBy: usersOf(context.path),
    }
  } catch (error) {
    if (live.inTransaction) live.run('ROLLBACK')
    throw error
  }
}

const finders = { key: findKey, user: findUser, project: findProject }

/** @throws not_found, ambiguous */
async function find(copy: string, { kind, selector }: Chosen, { manifest }: StoredBackup): Promise<string> {
  const client = openPrivate(copy)
  try {
    return (await finders[kind](databaseOn(client), selector)).id
  } catch (error) {
    if (!(error instanceof LatchkeyError) || error.code !== 'not_found') throw error
    throw new LatchkeyError(
      'not_found',
      `${error.message} in the backup ${manifest.id}, taken ${manifest.createdAt.toISOString()}`,
      'it may be in an older or newer one: latchkey backup list',
    )
  } finally {
    client.close()
  }
}

type Row = Readonly<Record<string, string | number | null>>

interface Reference {
  readonly table: string
  readonly column: string
  readonly parent: string
  readonly cascades: boolean
}

/** Parts that go back with a thing that is still there; all other parts only come with one that is missing. */
const settings: ReadonlySet<string> = new Set(['limits', 'project_members'])

/** Requests that were under way when the backup was taken have long ended. */
const passing: ReadonlySet<string> = new Set(['reservations'])

/** Columns that stay as they are in a thing that is still there. */
const kept: ReadonlySet<string> = new Set(['id', 'password_hash', 'revoked_at', 'revoked_reason'])

const unique: Readonly<Record<Kind, readonly string[]>> = {
  key: ['name'],
  user: ['username', 'email'],
  project: ['slug'],
}

const required: Readonly<Record<Kind, readonly (readonly [Kind, string])[]>> = {
  key: [
    ['user', 'user_id'],
    ['project', 'project_id'],
  ],
  user: [],
  project: [['user', 'owner_id']],
}

/** What comes with a thing as things of their own, when they are missing: in this order, since keys refer to both. */
const owned: Readonly<Record<Kind, readonly (readonly [Kind, string])[]>> = {
  key: [],
  user: [
    ['project', 'owner_id'],
    ['key', 'user_id'],
  ],
  project: [['key', 'project_id']],
}

/** One return of things from the attached `backup` to `main`, within a transaction of its caller. */
class Return {
  readonly #client: Client
  readonly #now: number
  readonly #references: readonly Reference[]
  readonly #added: Record<Kind, string[]> = { key: [], user: [], project: [] }
  readonly #changed: Record<Kind, string[]> = { key: [], user: [], project: [] }

  constructor(client: Client, now: number) {
    this.#client = client
    this.#now = now
    this.#references = client
      .query(
        `SELECT t.name AS "table", f."from" AS "column", f."table" AS parent, f.on_delete = 'CASCADE' AS cascades
         FROM main.sqlite_schema t, pragma_foreign_key_list(t.name) f WHERE t.type = 'table' ORDER BY t.name`,
      )
      .all() as Reference[]
  }

  get changes(): NonNullable<Restored['changes']> {
    const of = (kind: Kind) => ({ added: this.#added[kind], removed: [], changed: this.#changed[kind] })
    return { keys: of('key'), users: of('user'), projects: of('project') }
  }

  get(where: 'main' | 'backup', kind: Kind, id: string): { readonly row: Row | null; readonly name: string } {
    const { table, name } = subjects[kind]
    const row = this.#client.query(`SELECT * FROM ${where}."${table}" WHERE id = ?`).get(id) as Row | null
    return { row, name: String(row?.[name] ?? id) }
  }

  bring(kind: Kind, id: string): void {
    const { row, name } = this.get('backup', kind, id)
    if (row === null) return
    this.#requireFree(kind, id, row)
    this.#requireReferences(kind, row, name)
    const { table } = subjects[kind]
    if (this.get('main', kind, id).row === null) {
      this.#insert(table, 'id', id)
      for (const part of this.#partsOf(table)) this.#insert(part.table, part.column, id)
      this.#added[kind].push(name)
    } else if (this.#putBack(kind, id)) this.#changed[kind].push(name)
    for (const [ownKind, column] of owned[kind]) {
      for (const own of this.#missing(ownKind, column, id)) this.bring(ownKind, own)
    }
  }

  /** @returns whether that changed anything */
  #putBack(kind: Kind, id: string): boolean {
    const { table, volatile } = subjects[kind]
    const before = this.#content(kind, id)
    const columns = columnsOf(this.#client, table).filter(
      column => !kept.has(column) && !volatile.includes(column),
    )
    const names = columns.map(column => `"${column}"`).join(', ')
    this.#client
      .query(
        `UPDATE main."${table}" SET (${names}) = (SELECT ${names} FROM backup."${table}" b WHERE b.id = ?1) WHERE id = ?1`,
      )
      .run(id)
    for (const part of this.#partsOf(table).filter(each => settings.has(each.table))) {
      this.#client.query(`DELETE FROM main."${part.table}" WHERE "${part.column}" = ?`).run(id)
      this.#insert(part.table, part.column, id)
    }
    if (this.#content(kind, id) === before) return false
    this.#client.query(`UPDATE main."${table}" SET updated_at = ? WHERE id = ?`).run(this.#now, id)
    return true
  }

  #content(kind: Kind, id: string): string | undefined {
    const [found] = rows(kind, this.#client, columnsOf(this.#client, subjects[kind].table), id)
    return found?.content
  }

  #partsOf(parent: string): readonly Reference[] {
    return this.#references.filter(
      each => each.parent === parent && each.cascades && !passing.has(each.table),
    )
  }

  /** The rows of a table that belong to `id`, save those that refer to something else that is not there any more. */
  #insert(table: string, column: string, id: string): void {
    const others = this.#references.filter(each => each.table === table && each.column !== column)
    // An import is history: it comes along with what it brought.
    for (const { column: reference } of others.filter(each => each.parent === 'imports')) {
      this.#client
        .query(
          `INSERT OR IGNORE INTO main.imports SELECT * FROM backup.imports
           WHERE id IN (SELECT "${reference}" FROM backup."${table}" WHERE "${column}" = ?)`,
        )
        .run(id)
    }
    const present = others
      .map(
        ({ column: reference, parent }) =>
          ` AND ("${reference}" IS NULL OR "${reference}" IN (SELECT id FROM main."${parent}"))`,
      )
      .join('')
    const names = columnsOf(this.#client, table)
      .map(name => `"${name}"`)
      .join(', ')
    // What was imported again since, the source knows as something else.
    const orIgnore = others.some(each => each.parent === 'imports') ? 'OR IGNORE ' : ''
    this.#client
      .query(
        `INSERT ${orIgnore}INTO main."${table}" (${names}) SELECT ${names} FROM backup."${table}" WHERE "${column}" = ?${present}`,
      )
      .run(id)
  }

  #missing(kind: Kind, column: string, id: string): readonly string[] {
    const { table } = subjects[kind]
    const found = this.#client
      .query(
        `SELECT id FROM backup."${table}" WHERE "${column}" = ? AND id NOT IN (SELECT id FROM main."${table}") ORDER BY id`,
      )
      .all(id) as { id: string }[]
    return found.map(each => each.id)
  }

  #requireFree(kind: Kind, id: string, row: Row): void {
    const { table, name } = subjects[kind]
    for (const column of unique[kind]) {
      const value = row[column] ?? null
      if (value === null) continue
      const taken = this.#client
        .query(
          `SELECT id, "${name}" AS name FROM main."${table}" WHERE lower("${column}") = lower(?) AND id <> ?`,
        )
        .get(value, id) as { id: string; name: string } | null
      if (taken) throw this.#taken(kind, `the ${column} ${value}`, taken)
    }
    if (kind !== 'key') return
    const secret = this.#client
      .query(
        `SELECT k.id, k.name FROM main.secrets s JOIN main.keys k ON k.id = s.key_id
         WHERE s.key_id <> ?1 AND s.hash IN (SELECT hash FROM backup.secrets WHERE key_id = ?1)`,
      )
      .get(id) as { id: string; name: string } | null
    if (secret) throw this.#taken(kind, `a secret of ${row['name']}`, secret)
  }

  #taken(kind: Kind, what: string, by: { readonly id: string; readonly name: string }): LatchkeyError {
    return new LatchkeyError(
      'conflict',
      `${what} belongs to another ${kind} by now: ${by.name} (${by.id}); nothing was changed`,
      `look at it with: latchkey ${kind} show ${by.id}; rename or delete it, then restore again`,
    )
  }

  #requireReferences(kind: Kind, row: Row, name: string): void {
    for (const [parent, column] of required[kind]) {
      const id = row[column] ?? null
      if (id === null || this.get('main', parent, String(id)).row !== null) continue
      const gone = this.get('backup', parent, String(id)).name
      throw new LatchkeyError(
        'conflict',
        `the ${kind} ${name} belongs to the ${parent} ${gone}, which is not there any more; nothing was changed`,
        `bring that back first, from the same backup: latchkey restore --${parent} ${gone}`,
      )
    }
  }
}
