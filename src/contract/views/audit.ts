/** What was changed, when and by whom. */
import { anything, as, choice, nullable, type Of, object, text, time } from '../shape.ts'
import { origins } from './words.ts'

export const auditEntry = object('AuditEntry', {
  id: text('aud_ and a time-sorted id'),
  at: time('When'),
  actor: text('Who: LATCHKEY_ACTOR, or the user name of the operating system'),
  origin: choice(origins, 'From where'),
  action: text('What was done, as noun.verb'),
  target: as(
    object('AuditTarget', {
      type: text('Kind of thing it was done to'),
      id: text('Its id'),
      name: nullable(text('Its name at the time')),
    }),
    'What it was done to',
  ),
  before: nullable(anything('The fields that changed, before')),
  after: nullable(anything('The fields that changed, after')),
})

export type AuditEntry = Of<typeof auditEntry>
