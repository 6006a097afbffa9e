/**
 * Brings things back from a backup in one transaction. The rows that belong to a thing are those whose foreign key
 * cascades, because they are deleted with it.
 *
 * If the thing still exists, its settings, limits and members are restored. Credentials and counters are not, and
 * neither is access that was narrowed since: that would let in a client that somebody has shut out.
 */

import { LatchkeyError } from '../../../../contract/errors.ts'
import { byPlural, isLimited, type Noun, nounNames, nouns } from '../../../../contract/nouns.ts'
import type { Restored } from '../../../../contract/views.ts'
import { eq } from '../../../../db/query.ts'
import type { Client } from '../../../../db/sqlite/client.ts'
import { databaseOn } from '../../../../db/sqlite/drizzle.ts'
import { series } from '../../../../text/series.ts'
import { shellLine } from '../../../../text/shell-word.ts'
import { namesKept } from '../../../departed.ts'
import { depth, owned, owners, stored, tableOf, uniqueFields } from '../../../nouns.ts'
import { type TieRow, tieQueries, tiesIn } from '../../../people/held.ts'
import { columnsOf, rows } from './difference.ts'
import {
  type Cell,
  lastKnown,
  membersOf,
  narrowed,
  narrowedRole,
  type Row,
  rotatedSince,
  shutMark,
  wordFor,
} from './narrow.ts'
import { Past } from './past.ts'
import { joinUsage } from './usage.ts'

interface Reference {
  readonly table: string
  readonly column: string
  readonly parent: string
  /** Its column. */
  readonly target: string
  readonly cascades: boolean
  /** Whether it goes on without, as null. */
  readonly nulls: boolean
}

/** Tables whose rows come back with those that refer to them. */
const follows: ReadonlySet<string> = new Set(['imports', 'file_contents'])

/** What may belong to a thing, as text. */
const belongings = (owner: Noun): string =>
  series(
    nounNames.filter(noun => owned(owner).some(([each]) => each === noun)).map(noun => nouns[noun].plural),
    'or',
  )

interface Names {
  readonly added: string[]
  readonly removed: string[]
  readonly changed: string[]
}

/** A thing after it was brought back. */
export interface Touched {
  readonly kind: Noun
  readonly id: string
  /** A hash of its contents, to notice later changes. */
  readonly state: string
  /** Of what was removed: what tied people to it. */
  readonly had?: object | undefined
}

/** Brings things back from the attached `backup` to `main`, within the caller's transaction. */
export class Return {
  readonly #client: Client
  readonly #now: number
  readonly #references: readonly Reference[]
  readonly #names = byPlural(() => ({ added: [], removed: [], changed: [] }) as Names)
  readonly #touched: { readonly noun: Noun; readonly id: string; readonly had?: object }[] = []
  readonly #stays: string[] = []
  readonly #added = new Set<string>()
  /** Parts that refer to what may only come back after them. */
  readonly #loose: { readonly by: string; readonly id: string; readonly reference: Reference }[] = []
  readonly #backup: string
  #past: Past | undefined

  /** @param backup what a command line calls it */
  constructor(client: Client, now: number, backup: string) {
    this.#client = client
    this.#now = now
    this.#backup = backup
    this.#references = client
      .query(
        `SELECT t.name AS "table", f."from" AS "column", f."table" AS parent, f."to" AS target, f.on_delete = 'CASCADE' AS cascades, f.on_delete = 'SET NULL' AS nulls
         FROM main.sqlite_schema t, pragma_foreign_key_list(t.name) f WHERE t.type = 'table' ORDER BY t.name`,
      )
      .all() as Reference[]
  }

  get changes(): NonNullable<Restored['changes']> {
    return this.#names
  }

  /** Access that was narrowed since the backup and stays narrow, one line per thing. */
  get stays(): readonly string[] {
    return this.#stays
  }

  /** Whether a thing was missing and is back. */
  hasAdded(id: string): boolean {
    return this.#added.has(id)
  }

  /** Everything that was added, changed or removed, in this order. */
  get touched(): readonly Touched[] {
    return this.#touched.map(({ noun, id, had }) => ({ kind: noun, id, state: this.#state(noun, id), had }))
  }

  get(where: 'main' | 'backup', noun: Noun, id: string): { readonly row: Row | null; readonly name: string } {
    const { plural, label } = nouns[noun]
    const row = this.#client.query(`SELECT * FROM ${where}."${plural}" WHERE id = ?`).get(id) as Row | null
    return { row, name: String(row?.[label] ?? id) }
  }

  /**
   * Brings a thing back. If it was deleted, what belonged to it comes back too, except what also belonged to something that is
   * still missing, with which it can come back. Access narrowed since stays narrow.
   *
   * @throws conflict
   */
  bring(noun: Noun, id: string): void {
    const { row, name } = this.get('backup', noun, id)
    if (row === null) return
    this.#requireFree(noun, id, row)
    const now = this.get('main', noun, id).row
    if (now !== null) {
      const members = membersOf(this.#client, id)
      this.#putBack(noun, id, () => this.#narrow(noun, id, row, now, members))
      return
    }
    this.#addNarrow(noun, row, name)
    for (const [ownNoun, column] of owned(noun)) {
      for (const own of this.#missing(ownNoun, column, id)) {
        if (this.#comesWith(ownNoun, own, column)) this.bring(ownNoun, own)
      }
    }
  }

  /**
   * Undoes a return: makes things what they are in the backup that was taken just before it. Added things are removed.
   * Access narrowed since stays narrow.
   *
   * @throws conflict
   */
  takeBack(things: readonly Touched[]): void {
    // Things that others refer to are added first and removed last.
    const ordered = things.toSorted((a, b) => depth(a.kind) - depth(b.kind))
    const isKept = ({ kind: noun, id }: Touched): boolean => this.get('backup', noun, id).row !== null
    for (const thing of ordered.filter(isKept)) {
      const { kind: noun, id } = thing
      const { row, name } = this.get('backup', noun, id)
      const now = this.get('main', noun, id).row
      if (row === null) continue
      this.#requireFree(noun, id, row)
      if (now === null) this.#addNarrow(noun, row, name)
      else {
        this.#requireReferences(noun, row, name)
        if (this.#state(noun, id) === thing.state) this.#putBack(noun, id, () => [])
        else this.bring(noun, id)
      }
    }
    for (const { kind: noun, id } of ordered.filter(thing => !isKept(thing)).toReversed()) {
      if (this.get('main', noun, id).row !== null) this.#remove(noun, id)
    }
  }

  /** Adds a thing that was deleted, no wider than it was then, and of whoever it belonged to then. */
  #addNarrow(noun: Noun, row: Row, name: string): void {
    const id = String(row['id'])
    const known = lastKnown(this.#client, noun, row, this.#now)
    const given = this.#givenTo(noun, row, known)
    const then = { ...row, ...given }
    this.#requireReferences(noun, then, name)
    const left = this.#add(noun, id, given)
    this.#past ??= new Past(this.#client)
    const stays = [
      ...Object.keys(given),
      ...this.#narrow(noun, id, then, known),
      ...this.#past.narrow(noun, id),
    ]
    const ends = noun === 'key' ? rotatedSince(this.#client, id) : null
    if (ends !== null) this.#endSecrets(id, ends)
    this.#note(noun, name, ends === null ? stays : [...stays, 'secrets'], left)
  }

  /** The owners to whom a thing was given before it was deleted, by column. */
  #givenTo(noun: Noun, row: Row, known: Row): Row {
    const loose = this.#references.filter(each => each.table === nouns[noun].plural && each.nulls)
    return Object.fromEntries(
      owners(noun).flatMap(([column]): [string, Cell][] => {
        const owner = known[column] ?? null
        // What it belonged to was deleted: nobody took it away.
        const isLeft = owner === null && loose.some(each => each.column === column)
        return isLeft || owner === row[column] ? [] : [[column, owner]]
      }),
    )
  }

  /** @returns the tables of parts that are left out, because others have by now what is unique in them */
  #add(noun: Noun, id: string, given: Row): readonly string[] {
    const table = nouns[noun].plural
    this.#insert(table, 'id', id, given)
    this.#added.add(id)
    for (const { by, id: of, reference } of this.#loose.filter(each => each.reference.parent === table)) {
      this.#client
        .query(
          `UPDATE main."${reference.table}" SET "${reference.column}" = ?1 WHERE "${by}" = ?2 AND "${reference.column}" IS NULL
           AND id IN (SELECT id FROM backup."${reference.table}" WHERE "${reference.column}" = ?1)`,
        )
        .run(id, of)
    }
    const left = this.#partsOf(table).filter(part => !this.#insert(part.table, part.column, id))
    if (noun === 'key') joinUsage(this.#client, id)
    this.#client.query('DELETE FROM main.departed WHERE id = ?').run(id)
    this.#names[nouns[noun].plural].added.push(this.get('main', noun, id).name)
    this.#touched.push({ noun, id })
    return left.map(part => part.table)
  }

  #remove(noun: Noun, id: string): void {
    const { name } = this.get('main', noun, id)
    if (isLimited(noun)) {
      const { sql, params } = namesKept(databaseOn(this.#client), noun, eq(tableOf(noun).id, id)).toSQL()
      this.#client.query(sql).run(...(params as (string | number)[]))
    }
    if (owned(noun).some(([own, column]) => this.#has(own, column, id))) {
      throw new LatchkeyError(
        'conflict',
        `the ${noun} ${name} was given ${belongings(noun)} after it was brought back; nothing was changed`,
        `delete them or move them first; see it with: latchkey ${noun} show ${id}`,
      )
    }
    const had = this.#tiesOf(noun, id)
    this.#client.query(`DELETE FROM main."${nouns[noun].plural}" WHERE id = ?`).run(id)
    this.#names[nouns[noun].plural].removed.push(name)
    this.#touched.push({ noun, id, had })
  }

  /** Asked by the connection itself, for nothing may be awaited within the transaction. */
  #tiesOf(noun: Noun, id: string): object {
    const found = tieQueries(databaseOn(this.#client), noun, [id], 'nothing').flatMap(query => {
      const { sql, params } = query.toSQL()
      return this.#client.query(sql).all(...(params as string[])) as TieRow[]
    })
    return tiesIn(found).get(id) ?? {}
  }

  /** @param narrow runs after the settings are restored, and returns those that stay narrower */
  #putBack(noun: Noun, id: string, narrow: () => readonly string[]): void {
    const table = nouns[noun].plural
    const { volatile, kept, parts } = stored[noun]
    const before = this.#content(noun, id)
    const columns = columnsOf(this.#client, table).filter(
      column => column !== 'id' && !kept.includes(column) && !volatile.includes(column),
    )
    const names = columns.map(column => `"${column}"`).join(', ')
    this.#client
      .query(
        `UPDATE main."${table}" SET (${names}) = (SELECT ${names} FROM backup."${table}" b WHERE b.id = ?1) WHERE id = ?1`,
      )
      .run(id)
    const left = parts.filter(({ table: part, by, isSetting }) => {
      if (!isSetting) return false
      this.#client.query(`DELETE FROM main."${part}" WHERE "${by}" = ?`).run(id)
      return !this.#insert(part, by, id)
    })
    const stays = narrow()
    const { name } = this.get('main', noun, id)
    this.#note(
      noun,
      name,
      stays,
      left.map(part => part.table),
    )
    if (this.#content(noun, id) === before) return
    this.#client.query(`UPDATE main."${table}" SET updated_at = ? WHERE id = ?`).run(this.#now, id)
    this.#names[nouns[noun].plural].changed.push(name)
    this.#touched.push({ noun, id })
  }

  /**
   * @param members those of a project that is still there
   * @returns the columns that stay narrower than in the backup, `members` among them
   */
  #narrow(
    noun: Noun,
    id: string,
    then: Row,
    known: Row,
    members?: ReadonlyMap<string, string>,
  ): readonly string[] {
    const columns = { ...narrowed(noun, then, known), ...this.#shutOwners(noun, then, known) }
    for (const [column, value] of Object.entries(columns)) {
      this.#client
        .query(`UPDATE main."${nouns[noun].plural}" SET "${column}" = ? WHERE id = ?`)
        .run(value, id)
    }
    let fewer = false
    for (const [user, role] of noun === 'project' && members ? membersOf(this.#client, id) : []) {
      const now = narrowedRole(role, members?.get(user))
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

  /** A key that now belongs to a disabled user or an archived project stays with it. */
  #shutOwners(noun: Noun, then: Row, now: Row): Row {
    const isShut = (owner: Noun, id: Cell | undefined): boolean => {
      const mark = shutMark(owner)
      const sql = `SELECT 1 FROM main."${nouns[owner].plural}" WHERE id = ? AND "${mark}" IS NOT NULL`
      return mark !== undefined && this.#client.query(sql).get(id ?? null) !== null
    }
    return Object.fromEntries(
      owners(noun)
        .filter(([column]) => now[column] !== undefined && now[column] !== then[column])
        .filter(([column, owner]) => isShut(owner, now[column]))
        .map(([column]) => [column, now[column] ?? null]),
    )
  }

  #endSecrets(key: string, at: number): void {
    this.#client
      .query('UPDATE main.secrets SET ends_at = min(coalesce(ends_at, ?1), ?1) WHERE key_id = ?2')
      .run(at, key)
  }

  /** @param left tables of parts that were left out */
  #note(noun: Noun, name: string, stays: readonly string[], left: readonly string[]): void {
    const words = new Set([
      ...stays.flatMap(each => wordFor[each] ?? []),
      ...left.map(table => wordFor[table] ?? table.replaceAll('_', ' ')),
    ])
    if (words.size > 0) this.#stays.push(`${noun} ${name}: ${[...words].join(', ')}`)
  }

  #content(noun: Noun, id: string): string | undefined {
    const [found] = rows(noun, this.#client, columnsOf(this.#client, nouns[noun].plural), id)
    return found?.content
  }

  #state(noun: Noun, id: string): string {
    return Bun.hash(this.#content(noun, id) ?? '').toString(36)
  }

  #has(noun: Noun, column: string, id: string): boolean {
    const sql = `SELECT 1 FROM main."${nouns[noun].plural}" WHERE "${column}" = ? LIMIT 1`
    return this.#client.query(sql).get(id) !== null
  }

  /** Things that go with another have parts of their own. Nobody is signed in again. */
  #partsOf(parent: string): readonly Reference[] {
    const isThing = (table: string): boolean => nounNames.some(noun => nouns[noun].plural === table)
    return this.#references.filter(
      each => each.parent === parent && each.cascades && !isThing(each.table) && each.table !== 'sessions',
    )
  }

  /**
   * Inserts the rows that belong to `id`, except those that refer to something that no longer exists and cannot do without, and
   * parts in which others have by now what is unique.
   *
   * @param given values that differ from those in the backup
   * @returns false if there were any of the latter
   */
  #insert(table: string, column: string, id: string, given: Row = {}): boolean {
    const others = this.#references.filter(
      each => each.table === table && each.column !== column && !(each.column in given),
    )
    // The record of an import comes back with what it brought, and what a file holds with the file.
    for (const { column: reference, parent, target } of others.filter(({ parent }) => follows.has(parent))) {
      this.#client
        .query(
          `INSERT OR IGNORE INTO main."${parent}" SELECT * FROM backup."${parent}"
           WHERE "${target}" IN (SELECT "${reference}" FROM backup."${table}" WHERE "${column}" = ?)`,
        )
        .run(id)
    }
    const isThere = ({ column: reference, parent, target }: Reference) =>
      `"${reference}" IN (SELECT "${target}" FROM main."${parent}")`
    const loose = others.filter(each => each.nulls)
    this.#loose.push(...loose.map(reference => ({ by: column, id, reference })))
    const present = others
      .filter(each => !each.nulls)
      .map(each => ` AND ("${each.column}" IS NULL OR ${isThere(each)})`)
      .join('')
    const from = `FROM backup."${table}" WHERE "${column}" = ?${present}`
    const numbers = numberColumns(this.#client, table)
    const names = columnsOf(this.#client, table).filter(name => !numbers.includes(name))
    const values = names.map(name => {
      if (name in given) return '?'
      const reference = loose.find(each => each.column === name)
      return reference ? `CASE WHEN ${isThere(reference)} THEN "${name}" END` : `"${name}"`
    })
    const isPart = column !== 'id'
    const { changes } = this.#client
      .query(
        `INSERT ${isPart ? 'OR IGNORE ' : ''}INTO main."${table}" (${names.map(name => `"${name}"`).join(', ')})
         SELECT ${values.join(', ')} ${from}`,
      )
      .run(...names.flatMap(name => (name in given ? [given[name] ?? null] : [])), id)
    // If the source was imported again since, its rows now have other targets.
    if (others.some(each => each.parent === 'imports')) return true
    const { all } = this.#client.query(`SELECT count(*) AS "all" ${from}`).get(id) as { all: number }
    return changes >= all
  }

  #missing(noun: Noun, column: string, id: string): readonly string[] {
    const table = nouns[noun].plural
    const found = this.#client
      .query(
        `SELECT id FROM backup."${table}" WHERE "${column}" = ? AND id NOT IN (SELECT id FROM main."${table}") ORDER BY id`,
      )
      .all(id) as { id: string }[]
    return found.map(each => each.id)
  }

  #requireFree(noun: Noun, id: string, row: Row): void {
    const { plural: table, label, isUnique } = nouns[noun]
    const within = isUnique === 'in its organization' ? 'AND organization_id IS ?3' : ''
    for (const column of uniqueFields(noun)) {
      const value = row[column] ?? null
      if (value === null) continue
      const taken = this.#client
        .query(
          `SELECT id, "${label}" AS name FROM main."${table}" WHERE lower("${column}") = lower(?1) AND id <> ?2 ${within}`,
        )
        .get(value, id, ...(within === '' ? [] : [row['organization_id'] ?? null])) as {
        id: string
        name: string
      } | null
      if (taken) throw this.#taken(noun, `the ${column} ${value}`, taken)
    }
    if (noun !== 'key') return
    const secret = this.#client
      .query(
        `SELECT k.id, k.name FROM main.secrets s JOIN main.keys k ON k.id = s.key_id
         WHERE s.key_id <> ?1 AND s.hash IN (SELECT hash FROM backup.secrets WHERE key_id = ?1)`,
      )
      .get(id) as { id: string; name: string } | null
    if (secret) throw this.#taken(noun, `a secret of ${row['name']}`, secret)
  }

  #taken(noun: Noun, what: string, by: { readonly id: string; readonly name: string }): LatchkeyError {
    return new LatchkeyError(
      'conflict',
      `${what} now belongs to another ${noun}: ${by.name} (${by.id}); nothing was changed`,
      `look at it with: latchkey ${noun} show ${by.id}; rename or delete it, then restore again`,
    )
  }

  #requireReferences(noun: Noun, row: Row, name: string): void {
    const gone = this.#goneOwner(noun, row)
    if (gone === undefined) return
    throw new LatchkeyError(
      'conflict',
      `the ${noun} ${name} belongs to the ${gone.noun} ${gone.name}, which no longer exists; nothing was changed`,
      `bring it back first, from the same backup: ${shellLine(['restore', this.#backup, `--${gone.noun}`, gone.name])}`,
    )
  }

  /** Whether something comes with an owner: not if it was given away, nor if it also has one that is still missing. */
  #comesWith(noun: Noun, id: string, column: string): boolean {
    const { row, name } = this.get('backup', noun, id)
    if (row === null) return false
    const given = this.#givenTo(noun, row, lastKnown(this.#client, noun, row, this.#now))
    if (column in given) return false
    const gone = this.#goneOwner(noun, { ...row, ...given })
    if (gone) this.#stays.push(`${noun} ${name}: deleted until the ${gone.noun} ${gone.name} is back`)
    return gone === undefined
  }

  /** What a thing of the backup belonged to and is not here. */
  #goneOwner(noun: Noun, row: Row): { readonly noun: Noun; readonly name: string } | undefined {
    for (const [column, owner] of owners(noun)) {
      const id = row[column] ?? null
      if (id !== null && this.get('main', owner, String(id)).row === null) {
        return { noun: owner, name: this.get('backup', owner, String(id)).name }
      }
    }
    return undefined
  }
}

/** Columns that SQLite numbers by itself: the numbers may belong to other rows now. */
function numberColumns(client: Client, table: string): readonly string[] {
  const found = client
    .query(
      `SELECT min(name) AS name FROM pragma_table_info(?) WHERE pk > 0
       GROUP BY '' HAVING count(*) = 1 AND lower(min(type)) = 'integer'`,
    )
    .all(table) as { name: string }[]
  return found.map(({ name }) => name)
}
