/**
 * What all nouns have in common: finding, showing, creating, changing and deleting one, each change with its audit row in
 * the same transaction. The rules and views of a noun are in its own file.
 */
import { LatchkeyError } from '../contract/errors.ts'
import { labelOf, type Noun, nouns } from '../contract/nouns.ts'
import type { AuditAction, AuditVerb, Changed } from '../contract/views.ts'
import type { Database } from '../db/engine.ts'
import { and, eq, idsOf, isNull, oneOf, type SQL } from '../db/query.ts'
import { lineOf } from '../text/shell-word.ts'
import { record, recordAll } from './audit.ts'
import { differingColumns, settleChange } from './changed.ts'
import type { OperationContext } from './context.ts'
import { keepNames } from './departed.ts'
import { type Aspect, requireSame } from './existing.ts'
import { type CreateOptions, createOptions } from './input.ts'
import { column, type NewRow, type Row, tableOf, targetOf, uniqueFields } from './nouns.ts'
import { type Counted, inOrder } from './page.ts'
import { tiesOf } from './people/held.ts'
import { newId } from './rules/ids.ts'
import { parse } from './rules/input.ts'
import { find, type Selector, sameText } from './select.ts'

/** The views of rows, in the same order. */
type Views<N extends Noun, View> = (
  db: Database,
  rows: readonly Row<N>[],
  now: Date,
) => Promise<readonly View[]>

/** Columns to set. Missing and undefined ones stay. */
export type Changes<N extends Noun> = { readonly [C in keyof Row<N>]?: Row<N>[C] | undefined }

type Given<N extends Noun> = Omit<NewRow<N>, 'id' | 'createdAt' | 'updatedAt'>

interface Creation<N extends Noun, View> extends CreateOptions {
  /** Compares an existing thing with the input. */
  readonly same: (view: View, row: Row<N>) => readonly Aspect[] | Promise<readonly Aspect[]>
  readonly also?: (row: Row<N>) => Promise<void>
  /** What to do if a name is taken. */
  readonly ifTaken?: string
}

const chooseAnother = 'choose another'

/** The things of one noun: `new Thing('user', userViews)`. */
export class Thing<N extends Noun, View extends { readonly id: string; readonly updatedAt: Date }> {
  readonly #noun: N
  readonly #views: Views<N, View>

  constructor(noun: N, views: Views<N, View>) {
    this.#noun = noun
    this.#views = views
  }

  /** @throws not_found, ambiguous */
  readonly get = (context: OperationContext, selector: Selector<N>): Promise<View> =>
    context.store.read(async db => this.view(context, db, await find(db, this.#noun, selector)))

  /** Those that a condition accepts, oldest first, after one. @throws not_found, ambiguous for that one */
  async source(
    { now }: OperationContext,
    db: Database,
    where: SQL | undefined,
    after: Selector<N> | undefined,
  ): Promise<Counted<View>> {
    const table = tableOf(this.#noun)
    return inOrder(db, table, {
      by: table.id,
      where,
      after: after === undefined ? undefined : (await find(db, this.#noun, after)).id,
      views: rows => this.#views(db, rows as object[] as readonly Row<N>[], now()),
      keyOf: ({ id }: View) => id,
    })
  }

  /** The view of one row. */
  async view({ now }: OperationContext, db: Database, row: Row<N>): Promise<View> {
    const [view] = await this.#views(db, [row], now())
    if (!view) throw new Error(`a ${this.#noun} without a view`)
    return view
  }

  /**
   * Creates one, or with `ifNotExists` returns the one with the same label.
   *
   * @param also writes what belongs to it, such as limits, before the view is read
   * @throws invalid, conflict (a name is taken, or the existing one differs)
   */
  async create(
    context: OperationContext,
    db: Database,
    given: Given<N>,
    { same, also = async () => {}, ifTaken = chooseAnother, ...options }: Creation<N, View>,
  ): Promise<View & { readonly created: boolean }> {
    const { ifNotExists } = parse(createOptions, options)
    const { label } = nouns[this.#noun]
    const [row] = ifNotExists ? await this.#having(db, given, label, labelOf(this.#noun, given)) : []
    if (row) {
      const view = await this.view(context, db, row)
      const name = labelOf(this.#noun, row)
      const hint = `change it with: ${this.#line('update', row)}`
      requireSame(`${this.#noun} ${name} (${row.id})`, await same(view, row), hint)
      return { ...view, created: false }
    }
    await this.#requireFree(db, given, ifTaken)
    const now = context.now()
    const at = now.getTime()
    const values = { ...given, id: newId(nouns[this.#noun].prefix, now), createdAt: at, updatedAt: at }
    const [made] = (await db.insert(tableOf(this.#noun)).values(values).returning()) as Row<N>[]
    if (!made) throw new Error(`the ${this.#noun} was written, but not returned`)
    await also(made)
    const after = await this.view(context, db, made)
    await record(context, db, this.#event('create', made, { after }))
    return { ...after, created: true }
  }

  /**
   * Changes one.
   *
   * @param work checks the change, writes rows of other tables, and returns the columns to set; `isHidden` says that it changed
   *   what no view shows, such as a password
   * @throws not_found, ambiguous, conflict (a name is taken), and what `work` throws
   */
  change(
    context: OperationContext,
    selector: Selector<N>,
    verb: AuditVerb<N>,
    work: (db: Database, row: Row<N>) => Promise<Changes<N> & { readonly isHidden?: boolean }>,
  ): Promise<Changed<View>> {
    return context.store.write(async db => {
      const row = await find(db, this.#noun, selector)
      const before = await this.view(context, db, row)
      const { isHidden = false, ...given } = await work(db, row)
      const columns = differingColumns<Row<N>>(row, given as Changes<N>)
      await this.#requireFree(db, columns, chooseAnother, row)
      const table = tableOf(this.#noun)
      const isWritten = Object.keys(columns).length > 0
      if (isWritten) await db.update(table).set(columns).where(eq(table.id, row.id))
      const changed = { ...row, ...columns }
      const after = await this.view(context, db, changed)
      return settleChange(context, db, {
        ...this.#event(verb, changed, { before, after }),
        isHidden,
      })
    })
  }

  /**
   * Deletes one, with its parts. What was used with it stays, and so does its name.
   *
   * @param requireMayGo throws if it must not be deleted
   * @throws not_found, ambiguous, and what `requireMayGo` throws
   */
  erase(
    context: OperationContext,
    selector: Selector<N>,
    requireMayGo: (db: Database, row: Row<N>) => Promise<void> = async () => {},
  ): Promise<View> {
    return context.store.write(async db => {
      const row = await find(db, this.#noun, selector)
      await requireMayGo(db, row)
      const [before] = await this.eraseRows(context, db, [row])
      if (!before) throw new Error(`a ${this.#noun} without a view`)
      return before
    })
  }

  /**
   * Deletes those of some rows, in the transaction of the caller. An audit row for each says what it was: a restore takes from it
   * how the thing was restricted, and brings nothing back that was restricted more.
   */
  async eraseRows(
    context: OperationContext,
    db: Database,
    rows: readonly Row<N>[],
  ): Promise<readonly View[]> {
    if (rows.length === 0) return []
    const views = await this.#views(db, rows, context.now())
    const ties = await tiesOf(db, this.#noun, idsOf(rows))
    const table = tableOf(this.#noun)
    const gone = oneOf(table.id, idsOf(rows))
    await keepNames(db, this.#noun, gone)
    await db.delete(table).where(gone)
    const events = rows.map((row, n) =>
      this.#event('delete', row, { before: { ...views[n], ...ties.get(row.id) } }),
    )
    await recordAll(context, db, events)
    return views
  }

  /** @throws conflict (another than `except` has the same name or other unique field) */
  async #requireFree(db: Database, given: object, ifTaken: string, except?: Row<N>): Promise<void> {
    const noun = this.#noun
    for (const field of uniqueFields(noun)) {
      const text: unknown = Reflect.get(given, field)
      if (typeof text !== 'string') continue
      const [taken] = await this.#having(db, { ...except, ...given }, field, text)
      if (!taken || taken.id === except?.id) continue
      const name = labelOf(noun, taken)
      throw new LatchkeyError(
        'conflict',
        `the ${field === 'email' ? 'email address' : field} ${text} is taken by ${name} (${taken.id})`,
        `${ifTaken}, or look at: ${this.#line('show', taken)}`,
      )
    }
  }

  /** By its name if that means no other one. */
  #line(verb: 'show' | 'update', row: Row<N>): string {
    const isAlone = nouns[this.#noun].isUnique === true
    return lineOf(`${this.#noun} ${verb}`, isAlone ? labelOf(this.#noun, row) : row.id)
  }

  /** Those of the same organization, where a field is unique in one. */
  async #having(db: Database, given: object, field: string, text: string): Promise<readonly Row<N>[]> {
    const org: unknown =
      nouns[this.#noun].isUnique === 'in its organization' ? Reflect.get(given, 'organizationId') : undefined
    const organizationId = column(this.#noun, 'organizationId')
    const rows = db
      .select()
      .from(tableOf(this.#noun))
      .where(
        and(
          sameText(column(this.#noun, field), text),
          typeof org === 'string'
            ? eq(organizationId, org)
            : org === null
              ? isNull(organizationId)
              : undefined,
        ),
      )
      .limit(1)
    return (await rows) as Row<N>[]
  }

  #event<V>(verb: AuditVerb<N>, row: Row<N>, views: V) {
    return { action: `${this.#noun}.${verb}` as AuditAction, target: targetOf(this.#noun, row), ...views }
  }
}
