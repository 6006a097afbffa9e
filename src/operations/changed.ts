/** Completes a change of a thing: with an audit row and a new `updatedAt`, or with neither if nothing changed. */
import type { Noun } from '../contract/nouns.ts'
import type { Changed } from '../contract/views.ts'
import type { Database } from '../db/engine.ts'
import { eq } from '../db/query.ts'
import { differingFields, type Event, recordAll } from './audit.ts'
import type { OperationContext } from './context.ts'
import { tableOf } from './nouns.ts'

/** The result of a deletion, with the thing as it was. */
export const erased = <View>(view: View): Changed<View> => ({ ...view, changed: true, before: {} })

/** One thing that was written, with its views before and after. */
export interface Written<View> {
  readonly action: Event['action']
  readonly target: Event['target'] & { readonly type: Noun }
  readonly before: View
  readonly after: View
  /** Whether something changed that no view shows, such as a password. */
  readonly isHidden?: boolean
}

/** Completes changes whose rows are already written. */
export async function settleChanges<View extends { readonly updatedAt: Date }>(
  context: OperationContext,
  db: Database,
  all: readonly Written<View>[],
): Promise<readonly Changed<View>[]> {
  const updatedAt = context.now()
  const events: Event[] = []
  const views: Changed<View>[] = []
  for (const { action, target, before, after, isHidden = false } of all) {
    const fields = differingFields(before, after)
    if (fields.length === 0 && !isHidden) {
      views.push({ ...before, changed: false, before: {} })
      continue
    }
    const table = tableOf(target.type)
    await db.update(table).set({ updatedAt: updatedAt.getTime() }).where(eq(table.id, target.id))
    events.push({ action, target, before, after })
    const old = Object.entries(before).filter(([field]) => fields.includes(field))
    views.push({ ...after, updatedAt, changed: true, before: Object.fromEntries(old) })
  }
  await recordAll(context, db, events)
  return views
}

/** The same for one change. */
export async function settleChange<View extends { readonly updatedAt: Date }>(
  context: OperationContext,
  db: Database,
  written: Written<View>,
): Promise<Changed<View>> {
  const [changed] = await settleChanges(context, db, [written])
  if (!changed) throw new Error('a change without a view')
  return changed
}

/** The given columns that differ from the row. */
export function differingColumns<Row extends object>(
  row: Row,
  given: { readonly [C in keyof Row]?: Row[C] | undefined },
): Partial<Row> {
  const old = new Map<string, unknown>(Object.entries(row))
  const differing = Object.entries(given).filter(
    ([column, value]) => value !== undefined && JSON.stringify(old.get(column)) !== JSON.stringify(value),
  )
  return Object.fromEntries(differing) as Partial<Row>
}
