/** The options that choose keys, for every command that lists or changes several. */

import { keyStatuses } from '../../../contract/views/words.ts'
import type { Key } from '../../../contract/views.ts'
import type { Column } from '../../declare/column.ts'
import type { Values } from '../../declare/declaration.ts'
import { opt } from '../../declare/define.ts'
import { percent } from '../../declare/parse.ts'
import { duration } from '../../declare/times.ts'
import { keyStatus } from '../../draw/columns.ts'

export const ownerFilters = {
  user: opt.text('user', 'Only keys of this user'),
  project: opt.text('project', 'Only keys of this project'),
  model: opt.text('model', 'Only keys that may use this model'),
}

export const stateFilters = {
  status: opt.choice(keyStatuses, 'Only keys with this status'),
  scope: opt.text('scope', 'Only keys with this scope'),
  expiresWithin: opt.as('duration', duration, 'Only keys that expire within this time'),
  unusedFor: opt.as(
    'duration',
    duration,
    'Only keys not used for this long; for unused keys, since creation',
  ),
  over: opt.as('percent', percent, 'Only keys that have used at least this much of one of their own limits'),
  search: opt.text('text', 'Only keys whose name contains this'),
}

export const keyFilters = { ...stateFilters, ...ownerFilters }

export type Filters = Values<typeof keyFilters>

/** The filter of the operations. */
export const keyFilter = (typed: Filters) => ({
  status: typed.status,
  user: typed.user,
  project: typed.project,
  scope: typed.scope,
  model: typed.model,
  expiresWithinMs: typed.expiresWithin,
  unusedForMs: typed.unusedFor,
  overPercent: typed.over,
  search: typed.search,
})

export const keyColumns: readonly Column<Key>[] = [
  { title: 'name', cell: key => key.name, whole: true },
  { title: 'start', cell: key => key.start, whole: true, spare: 'last' },
  { title: 'status', cell: (key, brush) => keyStatus(key.status, brush), whole: true },
  { title: 'user', cell: key => key.user?.username ?? '' },
  { title: 'project', cell: key => key.project?.slug ?? '', importance: 'low', spare: 'last' },
  { title: 'expires', time: key => key.expiresAt },
  { title: 'last used', time: key => key.lastUsedAt },
  { title: 'model', cell: key => key.model ?? '', wide: true },
  { title: 'scopes', cell: key => key.scopes.join(' '), wide: true },
  { title: 'created', time: key => key.createdAt, wide: true },
  { title: 'id', cell: key => key.id, wide: true },
]
