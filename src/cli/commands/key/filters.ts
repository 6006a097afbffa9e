/** The options that choose keys, for every command that lists or changes several. */

import { keyStatuses } from '../../../contract/views/words.ts'
import type { Key } from '../../../contract/views.ts'
import type { Column } from '../../declare/column.ts'
import type { Values } from '../../declare/declaration.ts'
import { opt } from '../../declare/define.ts'
import { percent } from '../../declare/parse.ts'
import { duration } from '../../declare/times.ts'
import { keyStatus } from '../../draw/columns.ts'

const ownerFilters = {
  user: opt.text('user', 'Only keys of this user'),
  project: opt.text('project', 'Only keys of this project'),
  org: opt.text('org', 'Only keys of projects that this organization owns'),
  model: opt.text('model', 'Only keys that may use this model'),
}

const stateFilters = {
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
  org: typed.org,
  scope: typed.scope,
  model: typed.model,
  expiresWithinMs: typed.expiresWithin,
  unusedForMs: typed.unusedFor,
  overPercent: typed.over,
  search: typed.search,
})

const { scope, ...others } = stateFilters
const { user, project, org, model } = ownerFilters

/** The same for a command that has options of its own with some of these names. */
export const whereFilters = {
  ...others,
  whereScope: scope,
  whereUser: user,
  whereProject: project,
  whereOrg: org,
  whereModel: model,
}

export const whereFilter = (typed: Values<typeof whereFilters>) =>
  keyFilter({
    ...typed,
    scope: typed.whereScope,
    user: typed.whereUser,
    project: typed.whereProject,
    org: typed.whereOrg,
    model: typed.whereModel,
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
