/** What a change or a creation says besides the thing itself. */
import { anything, extend, flag, type ObjectShape, time } from '../shape.ts'

/** The times that everything has which people create and change. */
export const stamps = { createdAt: time('When it was created'), updatedAt: time('When it was last changed') }

/** A shape as a change returns it. */
export const changed = <T>(name: string, shape: ObjectShape<T>) =>
  extend(name, shape, {
    changed: flag('Whether this call changed anything'),
    before: anything('The fields that this call changed, with their old values'),
  })

/** Whether something was made, or was there already as asked for. */
export const createdFlag = flag('Whether this call created it; false with --if-not-exists when it existed')

/** A shape as its creation returns it. */
export const created = <T>(name: string, shape: ObjectShape<T>) =>
  extend(name, shape, { created: createdFlag })

/** Something as it is now, whether that is news, and how what differs was before. */
export type Changed<View> = View & {
  /** Whether this call changed anything. */
  readonly changed: boolean
  /** The fields that this call changed, with their old values. */
  readonly before: Readonly<Record<string, unknown>>
}
