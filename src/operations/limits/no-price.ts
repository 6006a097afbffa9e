/** Says that a dollar limit has nothing to count. */
import type { Limit } from '../../contract/views.ts'
import type { Database } from '../../db/engine.ts'
import type { OperationContext } from '../context.ts'

/** Calls of operations that have said it. */
const told = new WeakSet<OperationContext>()

/** Once in an operation, when it sets a dollar limit while no model has a price. */
export async function noteNoPrice(
  context: OperationContext,
  db: Database,
  limits: readonly Pick<Limit, 'metric'>[],
): Promise<void> {
  if (told.has(context) || !limits.some(({ metric }) => metric === 'usd')) return
  if ((await db.facts.prices()).length > 0) return
  told.add(context)
  context.onWarning?.(
    'no model has a price, so dollar limits count only requests that tell their cost; see: latchkey usage price import --dry-run',
  )
}
