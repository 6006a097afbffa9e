/**
 * One return of things from a backup, in one transaction that touches nothing else. What belongs to a thing are the rows
 * that would go with it: those whose foreign key cascades.
 *
 * Of a thing that is still there, the settings, limits and members go back. Credentials and counters do not, nor does
 * anything that has narrowed access since: taking it back would let in whom somebody has shut out.
 */
import { LatchkeyError } from '../../../../contract/errors.ts'
import { codeOf } from '../../../../contract/failure.ts'
import type { Restored } from '../../../../contract/views.ts'
import type { Client } from '../../../../db/sqlite/client.ts'
import { columnsOf, type Kind, rows, subjects } from './difference.ts'
import {
  type Cell,
  type Known,
  lastKnown,
  membersOf,
  narrowed,
  narrowedRole,
  type Row,
  rotatedSince,
  wordFor,
} from './narrow.ts'

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
const kept: ReadonlySet<string> = new Set(['id', 'password_hash', 'revoked_at', 'revoked_reason', 'owner_id'])

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

/** A key refers to a user and a project, a project to a user. */
const kinds: readonly Kind[] = ['user', 'project', 'key']

/** A thing as a return has left it. */
export interface Touched {
  readonly kind: Kind
  readonly id: string
  /** A hash of what it says, to see by whether somebody has changed it since. */
  readonly state: string
}

/** One return of things from the attached `backup` to `main`, within a transaction of its caller. */
export class Return {
  readonly #client: Client
  readonly #now: number
  readonly #references: readonly Reference[]
  readonly #names: Record<Kind, { added: string[]; removed: string[]; changed: string[] }> = {
    key: { added: [], removed: [], changed: [] },
    user: { added: [], removed: [], changed: [] },
    project: { added: [], removed: [], changed: [] },
  }
  readonly #touched: { readonly kind: Kind; readonly id: string }[] = []
  readonly #stays: string[] = []

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
    const { key, user, project } = this.#names
    return { keys: key, users: user, projects: project }
  }

  /** What was narrowed since the backup and stays so, a line for each thing. */
  get stays(): readonly string[] {
    return this.#stays
  }

  /** Everything that was added, changed or removed, in that order. */
  get touched(): readonly Touched[] {
    return this.#touched.map(({ kind, id }) => ({
      kind,
      id,
      state: this.#state(kind, id),
    }))
  }

  get(where: 'main' | 'backup', kind: Kind, id: string): { readonly row: Row | null; readonly name: string } {
    const { table, name } = subjects[kind]
    const row = this.#client.query(`SELECT * FROM ${where}."${table}" WHERE id = ?`).get(id) as Row | null
    return { row, name: String(row?.[name] ?? id) }
  }

  /**
   * Brings a thing back; with one that is gone, what belongs to it and is gone too. What narrows access by now stays.
   *
   * @throws conflict
   */
  bring(kind: Kind, id: string): void {
    const { row, name } = this.get('backup', kind, id)
    if (row === null) return
    this.#requireFree(kind, id, row)
    const now = this.get('main', kind, id).row
    if (now !== null) {
      const known = { row: now, members: membersOf(this.#client, id) }
      this.#putBack(kind, id, () => this.#narrow(kind, id, row, known))
      return
    }
    this.#requireReferences(kind, row, name)
    this.#add(kind, id)
    const known = lastKnown(this.#client, kind, id)
    const stays = known === undefined ? [] : this.#narrow(kind, id, row, known)
    const ends = kind === 'key' ? rotatedSince(this.#client, id) : null
    if (ends !== null) this.#endSecrets(id, ends)
    this.#note(kind, name, ends === null ? stays : [...stays, 'secrets'])
    for (const [ownKind, column] of owned[kind]) {
      for (const own of this.#missing(ownKind, column, id)) this.bring(ownKind, own)
    }
  }

  /**
   * Makes things what they are in the backup, which was taken just before a return touched them: one that was added
   * goes again. Of one that was changed since, what narrows access stays.
   *
   * @throws conflict
   */
  takeBack(things: readonly Touched[]): void {
    // Those that others refer to come first, and go last.
    const ordered = things.toSorted((a, b) => kinds.indexOf(a.kind) - kinds.indexOf(b.kind))
    const isKept = ({ kind, id }: Touched): boolean => this.get('backup', kind, id).row !== null
    for (const thing of ordered.filter(isKept)) {
      const { kind, id } = thing
      const { row, name } = this.get('backup', kind, id)
      const now = this.get('main', kind, id).row
      if (row === null) continue
      this.#requireFree(kind, id, row)
      this.#requireReferences(kind, row, name)
      if (now === null) this.#add(kind, id)
      else if (this.#state(kind, id) === thing.state) this.#putBack(kind, id, () => [])
      else this.bring(kind, id)
    }
    for (const { kind, id } of ordered.filter(thing => !isKept(thing)).toReversed()) {
      if (this.get('main', kind, id).row !== null) this.#remove(kind, id)
    }
  }

  #add(kind: Kind, id: string): void {
    const { table } = subjects[kind]
    this.#insert(table, 'id', id)
    for (const part of this.#partsOf(table)) this.#insert(part.table, part.column, id)
    this.#names[kind].added.push(this.get('main', kind, id).name)
    this.#touched.push({ kind, id })
  }

  #remove(kind: Kind, id: string): void {
    const { name } = this.get('main', kind, id)
    try {
      this.#client.query(`DELETE FROM main."${subjects[kind].table}" WHERE id = ?`).run(id)
    } catch (error) {
      // RESTRICT is told of as a trigger.
      if (!/^SQLITE_CONSTRAINT_(FOREIGNKEY|TRIGGER)$/.test(codeOf(error))) throw error
      throw new LatchkeyError(
        'conflict',
        `the ${kind} ${name} has got keys or projects since it was brought back; nothing was changed`,
        `delete them or move them first; see it with: latchkey ${kind} show ${id}`,
        { cause: error },
      )
    }
    this.#names[kind].removed.push(name)
    this.#touched.push({ kind, id })
  }

  /** @param narrow runs once the settings are back, and tells which of them stay narrower */
  #putBack(kind: Kind, id: string, narrow: () => readonly string[]): void {
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
    const stays = narrow()
    const { name } = this.get('main', kind, id)
    this.#note(kind, name, stays)
    if (this.#content(kind, id) === before) return
    this.#client.query(`UPDATE main."${table}" SET updated_at = ? WHERE id = ?`).run(this.#now, id)
    this.#names[kind].changed.push(name)
    this.#touched.push({ kind, id })
  }

  /** @returns the columns that stay narrower than in the backup, `members` among them */
  #narrow(kind: Kind, id: string, then: Row, known: Known): readonly string[] {
    const columns = { ...narrowed(kind, then, known.row), ...this.#shutOwners(kind, then, known.row) }
    for (const [column, value] of Object.entries(columns)) {
      this.#client
        .query(`UPDATE main."${subjects[kind].table}" SET "${column}" = ? WHERE id = ?`)
        .run(value, id)
    }
    let fewer = false
    for (const [user, role] of kind === 'project' ? membersOf(this.#client, id) : []) {
      const now = narrowedRole(role, known.members.get(user))
      if (now === role) continue
      fewer = true
      this.#client
        .query(
          now === null
            ? 'DELETE FROM main.project_members WHERE project_id = ?1 AND user_id = ?2'
            : 'UPDATE main.project_members SET role = ?3 WHERE project_id = ?1 AND user_id = ?2',
        )
        .run(...(now === null ? [id, user] : [id, user, now]))
    }
    return [...Object.keys(columns), ...(fewer ? ['members'] : [])]
  }

  /** A key that has gone to a disabled user or an archived project stays there. */
  #shutOwners(kind: Kind, then: Row, now: Row): Row {
    const owners = [
      ['user_id', 'users', 'disabled_at'],
      ['project_id', 'projects', 'archived_at'],
    ] as const
    const isShut = (table: string, mark: string, id: Cell | undefined): boolean =>
      this.#client
        .query(`SELECT 1 FROM main."${table}" WHERE id = ? AND "${mark}" IS NOT NULL`)
        .get(id ?? null) !== null
    return Object.fromEntries(
      owners
        .filter(([column]) => kind === 'key' && now[column] !== undefined && now[column] !== then[column])
        .filter(([column, table, mark]) => isShut(table, mark, now[column]))
        .map(([column]) => [column, now[column] ?? null]),
    )
  }

  #endSecrets(key: string, at: number): void {
    this.#client
      .query('UPDATE main.secrets SET ends_at = min(coalesce(ends_at, ?1), ?1) WHERE key_id = ?2')
      .run(at, key)
  }

  #note(kind: Kind, name: string, stays: readonly string[]): void {
    const words = stays.flatMap(each => wordFor[each] ?? [])
    if (words.length > 0) this.#stays.push(`${kind} ${name}: ${words.join(', ')}`)
  }

  #content(kind: Kind, id: string): string | undefined {
    const [found] = rows(kind, this.#client, columnsOf(this.#client, subjects[kind].table), id)
    return found?.content
  }

  #state(kind: Kind, id: string): string {
    return Bun.hash(this.#content(kind, id) ?? '').toString(36)
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
