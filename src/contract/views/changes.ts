/** What a change or a creation says besides the thing itself. */
import { anything, extend, flag, type ObjectShape } from '../shape.ts'

/** A shape as a change returns it. */
export const changed = <T>(name: string, shape: ObjectShape<T>) =>
  extend(name, shape, {
    changed: flag('Whether this call changed anything; false when it was so already'),
    before: anything('The fields that this call changed, as they were'),
  })

/** Whether something was made, or was there already as asked for. */
export const createdFlag = flag(
  'Whether this call made it; false with --if-not-exists when it was there, and the same',
)

/** Something as it is now, whether that is news, and how what differs was before. */
export type Changed<View> = View & {
  /** Whether this call changed anything; false when it was so already. */
  readonly changed: boolean
  /** The fields that this call changed, as they were. */
  readonly before: Readonly<Record<string, unknown>>
}
