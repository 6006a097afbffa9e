/** Shows one key. Only reads. */
import type { Key } from '../../contract/views.ts'
import type { OperationContext } from '../context.ts'
import type { KeySelector } from '../input.ts'
import { find } from '../select.ts'
import { keyView } from './view.ts'

/** @throws not_found, ambiguous */
export function getKey(context: OperationContext, selector: KeySelector): Promise<Key> {
  return context.store.read(async db => keyView(db, context.now(), (await find(db, 'key', selector)).id))
}
