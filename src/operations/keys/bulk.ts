/**
 * Makes the same change to every key that matches a filter, in one transaction with an audit row per key. Changes nothing
 * if they are not the keys that the caller expects.
 */

import { LatchkeyError } from '../../contract/errors.ts'
import type { Changed, Key } from '../../contract/views.ts'
import type { Database } from '../../db/engine.ts'
import { and, idsOf, isNotNull, isNull, oneOf, type SQL } from '../../db/query.ts'
import { keys } from '../../db/schema/keys.ts'
import { many } from '../../text/quantity.ts'
import { recordAll } from '../audit.ts'
import { erased, settleChanges } from '../changed.ts'
import type { OperationContext } from '../context.ts'
import { keepNames } from '../departed.ts'
import { changeLimits } from '../limits/change.ts'
import { targetOf } from '../nouns.ts'
import * as rules from '../rules/input.ts'
import { columnsOf, parseKeyChanges } from './change.ts'
import { conditionOf, parseFilter } from './filter.ts'
import {
  type BulkChange,
  bulkChange,
  type Expectation,
  expectation,
  type KeyFilter,
  revokeOptions,
} from './input.ts'
import { keyViews } from './view.ts'

/**
 * The keys that `changeMatching` would change: those that match, without keys that are already disabled, enabled or
 * revoked as asked. Revoked keys can only be updated or deleted.
 *
 * @throws as `changeMatching`
 */
export function matchingKeys(
  context: OperationContext,
  filter: KeyFilter,
  verb: BulkChange['verb'],
  expected: Expectation = {},
): Promise<readonly Key[]> {
  rules.parse(bulkChange, { verb })
  requireDeliberate(filter, expected)
  return context.store.read(async db => {
    const found = await matched(context, db, filter, verb)
    requireExpected(found, expected)
    return found
  })
}

/**
 * Changes every key that matches the filter, and returns the changed keys.
 *
 * @throws invalid (also for an empty filter without an expected count), not_found, ambiguous, conflict (the keys are not
 *   those expected)
 */
export async function changeMatching(
  context: OperationContext,
  filter: KeyFilter,
  change: BulkChange,
  expected: Expectation = {},
): Promise<readonly Changed<Key>[]> {
  rules.parse(bulkChange, change)
  requireDeliberate(filter, expected)
  const apply = changer(context, change)
  return context.store.write(async db => {
    const before = await matched(context, db, filter, change.verb)
    requireExpected(before, expected)
    if (before.length === 0) return []
    const fits = oneOf(keys.id, idsOf(before))
    await apply(db, before, fits)
    const old = new Map(before.map(key => [key.id, key]))
    const action = `key.${change.verb}` as const
    if (change.verb === 'delete') {
      await recordAll(
        context,
        db,
        before.map(key => ({ action, target: targetOf('key', key), before: key })),
      )
      return before.map(erased)
    }
    const after = await keyViews(db, context.now(), { where: fits })
    return settleChanges(
      context,
      db,
      after.map(key => {
        const target = targetOf('key', key)
        return { action, target, before: old.get(key.id) ?? key, after: key }
      }),
    )
  })
}

async function matched(
  context: OperationContext,
  db: Database,
  filter: KeyFilter,
  verb: BulkChange['verb'],
): Promise<readonly Key[]> {
  const now = context.now()
  return keyViews(db, now, {
    where: and(await conditionOf(db, now, parseFilter(filter)), changeable(verb)),
  })
}

function changeable(verb: BulkChange['verb']): SQL | undefined {
  switch (verb) {
    case 'revoke':
      return isNull(keys.revokedAt)
    case 'disable':
      return and(isNull(keys.revokedAt), isNull(keys.disabledAt))
    case 'enable':
      return and(isNull(keys.revokedAt), isNotNull(keys.disabledAt))
    case 'update':
    case 'delete':
      return undefined
  }
}

type Apply = (db: Database, matched: readonly Key[], fits: SQL) => Promise<void>

/** Checks the change before anything is changed. @throws invalid */
function changer(context: OperationContext, change: BulkChange): Apply {
  const now = context.now().getTime()
  const set =
    (columns: Partial<typeof keys.$inferInsert>): Apply =>
    async (db, _, fits) => {
      await db.update(keys).set(columns).where(fits)
    }
  switch (change.verb) {
    case 'revoke': {
      const { reason } = rules.parse(revokeOptions, change)
      return set({ revokedAt: now, revokedReason: reason ?? null })
    }
    case 'disable':
      return set({ disabledAt: now })
    case 'enable':
      return set({ disabledAt: null })
    case 'delete':
      return async (db, _, fits) => {
        await keepNames(db, 'key', fits)
        await db.delete(keys).where(fits)
      }
    case 'update': {
      const changes = parseKeyChanges(context, change.changes)
      if (changes.name !== undefined) {
        throw new LatchkeyError(
          'invalid',
          'many keys cannot have the same name',
          'rename one key with: latchkey key update KEY --name NAME',
        )
      }
      return async (db, matched, fits) => {
        for (const { id } of matched) await changeLimits(context, db, { type: 'key', id }, changes)
        const { name: _, ...columns } = await columnsOf(db, changes)
        const given = Object.entries(columns).filter(([, value]) => value !== undefined)
        if (given.length > 0) await db.update(keys).set(Object.fromEntries(given)).where(fits)
      }
    }
  }
}

/** @throws invalid */
function requireDeliberate(filter: KeyFilter, expected: Expectation): void {
  const { count, ids } = rules.parse(expectation, expected)
  const names = Object.values(filter).some(value => value !== undefined)
  if (names || count !== undefined || ids !== undefined) return
  throw new LatchkeyError(
    'invalid',
    'without a filter, every key would match',
    'give a filter, or the number of keys you expect with --expect-count',
  )
}

/** @throws conflict */
function requireExpected(matched: readonly Key[], { count, ids }: Expectation): void {
  if (count !== undefined && matched.length !== count) {
    throw new LatchkeyError(
      'conflict',
      `${many(matched.length, 'key matches', 'keys match')}, not ${count}; nothing was changed`,
      'list them with --dry-run, or with: latchkey key list and the same filters',
    )
  }
  if (ids === undefined) return
  const wanted = new Set(ids)
  if (matched.length === wanted.size && matched.every(key => wanted.has(key.id))) return
  throw new LatchkeyError(
    'conflict',
    'the keys that match have changed since they were listed; nothing was changed',
    'run the command again and check the new list',
  )
}
