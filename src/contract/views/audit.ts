/** What was changed, when and by whom. */
import { anything, as, choice, nullable, type Of, object, text, time } from '../shape.ts'
import { origins } from './words.ts'

export const auditEntry = object('AuditEntry', {
  id: text('aud_ and a time-sorted id'),
  at: time('When'),
  actor: text('Who: LATCHKEY_ACTOR or the user of the operating system'),
  origin: choice(origins, 'From where'),
  action: text('What, as noun.verb'),
  target: as(
    object('AuditTarget', {
      type: text('On what kind of thing'),
      id: text('Its id'),
      name: nullable(text('Its name at the time')),
    }),
    'What it was done to',
  ),
  before: nullable(anything('What changed, as it was')),
  after: nullable(anything('What changed, as it became')),
})

export type AuditEntry = Of<typeof auditEntry>
