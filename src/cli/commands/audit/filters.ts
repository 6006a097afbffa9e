/** Which changes, for the commands that list or export them. */
import { nounNames } from '../../../contract/nouns.ts'
import { capacities } from '../../../contract/views/words.ts'
import { series } from '../../../text/series.ts'
import { opt } from '../../declare/define.ts'
import { since } from '../../declare/times.ts'

export const auditFilters = {
  since: opt.as('duration|date', since, 'Only from then on'),
  until: opt.as('duration|date', since, 'Only before then'),
  actor: opt.text('name', 'Only changes by this actor'),
  as: opt.choice(capacities, 'Only changes made as this; an operator is above all permissions'),
  action: opt.text('action', 'Only this action, such as key.rotate, or key for all actions on keys'),
  target: opt.text('name|id', `Only changes to this ${series([...nounNames, 'other target'], 'or')}`),
}
