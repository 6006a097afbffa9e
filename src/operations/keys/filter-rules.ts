/** What a filter and a page of keys may hold. Loaded only for those that hold something. */
import * as v from 'valibot'
import { keySorts, keyStatuses } from '../../contract/views/words.ts'
import * as rules from '../input.ts'
import type { KeyFilter } from './filter.ts'
import type { KeyPage } from './find.ts'

const milliseconds = v.optional(rules.count)

const keyFilter = v.object({
  status: v.optional(v.picklist(keyStatuses, `must be one of ${keyStatuses.join(', ')}`)),
  user: v.optional(v.string()),
  project: v.optional(v.string()),
  scope: v.optional(v.string()),
  model: v.optional(v.string()),
  expiresWithinMs: milliseconds,
  unusedForMs: milliseconds,
  overPercent: v.optional(
    v.pipe(v.number('must be a number'), v.minValue(0, 'must not be negative'), v.finite('must be finite')),
  ),
  search: v.optional(v.string()),
})

const keyPage = v.object({
  ...keyFilter.entries,
  sort: v.optional(v.picklist(keySorts, `must be one of ${keySorts.join(', ')}`)),
  descending: v.optional(v.boolean()),
  limit: v.optional(v.pipe(rules.count, v.minValue(1, 'must be at least 1'))),
})

/** @throws invalid */
export const readFilter = (given: KeyFilter): KeyFilter => rules.parse(keyFilter, given)

/** What begins a page is a selector, with rules of its own. @throws invalid */
export const readPage = (given: KeyPage): KeyPage => ({ ...rules.parse(keyPage, given), after: given.after })
