/** Keys on their way to another Latchkey. */
import { as, extend, list, type Of, object, text, time } from '../shape.ts'
import { key } from './keys.ts'
import { totals } from './usage.ts'

/** The only view with hashes: what another Latchkey needs to let a key go on working. */
export const exportedKey = extend('ExportedKey', key, {
  hash: text('SHA-256 of the current secret, in hex: it verifies, and cannot be turned back'),
  previousSecrets: list(
    object('PreviousSecret', {
      hash: text('SHA-256 of a secret that a rotation replaced'),
      start: text('Its first characters'),
      createdAt: time('When it was made'),
      endsAt: time('When it stopped, or stops, working'),
    }),
    'Secrets that rotations replaced, oldest first',
  ),
  totals: as(totals, 'All that was ever used'),
})

export type ExportedKey = Of<typeof exportedKey>
