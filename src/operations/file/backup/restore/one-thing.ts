/**
 * Brings one thing back from a backup, with what belongs to it, or undoes that. Takes a safety copy first, and records
 * what was touched in the audit log.
 */
import { LatchkeyError } from '../../../../contract/errors.ts'
import { type Noun, nounNames, nouns } from '../../../../contract/nouns.ts'
import type { Backup, Restored } from '../../../../contract/views.ts'
import { latestVersion } from '../../../../db/schema/version.ts'
import type { Client } from '../../../../db/sqlite/client.ts'
import { openPrivate } from '../../../../db/sqlite/copy.ts'
import { databaseOn } from '../../../../db/sqlite/drizzle.ts'
import { holdersOf } from '../../../../db/sqlite/holders.ts'
import { erasedUsers, rowCounts } from '../../../../db/sqlite/inspect.ts'
import { openWriter, requireCurrent } from '../../../../db/sqlite/open.ts'
import { shellLine } from '../../../../text/shell-word.ts'
import type { FileContext } from '../../../context.ts'
import { owners } from '../../../nouns.ts'
import { ownerless, ownerRole, requireOwnersKept } from '../../../organizations/owners.ts'
import { requireWords } from '../../../rules/input.ts'
import { find } from '../../../select.ts'
import { safetyCopy } from '../create.ts'
import type { OneThing } from '../input.ts'
import { type StoredBackup, toView } from '../manifest.ts'
import { recordInside } from '../trail.ts'
import { Return } from './bring-back.ts'
import type { ThingReturn } from './choose.ts'
import { eraseAgain } from './erase-again.ts'
import { lastKnown, type Row } from './narrow.ts'

interface Chosen {
  readonly noun: Noun
  readonly selector: string
}

/** @throws usage (several things) */
export function chosenThing(options: OneThing): Chosen | undefined {
  const chosen = nounNames.flatMap(noun => {
    const selector = options[noun]
    return selector === undefined ? [] : [{ noun, selector }]
  })
  requireWords(Object.fromEntries(chosen.map(({ noun, selector }) => [noun, selector])))
  if (chosen.length <= 1) return chosen[0]
  throw new LatchkeyError(
    'usage',
    'only one thing can be brought back at a time',
    'restore them one after another, or restore the whole backup',
  )
}

/**
 * Brings back a thing and what belongs to it.
 *
 * @param prepare brings the copy to the newest schema
 * @throws not_found, ambiguous, conflict (a name or secret is taken, or something it refers to is missing), schema_older
 */
export async function restoreThing(
  context: FileContext,
  stored: StoredBackup,
  copy: string,
  chosen: Chosen,
  prepare: () => Promise<unknown>,
): Promise<Restored> {
  const { noun } = chosen
  const target = async () => ({ noun, id: await idOf(copy, chosen, stored) })
  return inOne(context, stored, copy, prepare, target, [], (work, { id }) => work.bring(noun, id))
}

/**
 * Undoes the last such return, from its safety copy.
 *
 * @throws conflict (something new belongs to what it brought back), schema_older
 */
export async function undoThing(
  context: FileContext,
  stored: StoredBackup,
  copy: string,
  { target, things }: ThingReturn,
  prepare: () => Promise<unknown>,
): Promise<Restored> {
  return inOne(
    context,
    stored,
    copy,
    prepare,
    async () => target,
    things.map(({ kind, id }) => ({ noun: kind, id })),
    work => work.takeBack(things),
  )
}

interface Target {
  readonly noun: Noun
  readonly id: string
}

async function inOne(
  context: FileContext,
  stored: StoredBackup,
  copy: string,
  prepare: () => Promise<unknown>,
  findTarget: () => Promise<Target>,
  also: readonly Target[],
  change: (work: Return, target: Target) => void,
): Promise<Restored> {
  const { path } = context
  using live = openWriter(path)
  requireCurrent(live, path)
  await prepare()
  const target = await findTarget()
  live.run('PRAGMA busy_timeout = 5000')
  live.query('ATTACH ? AS backup').run(copy)
  await eraseInCopy(context, live, copy, [target, ...also])
  const run = (safetyBackup: Backup | null, end: 'COMMIT' | 'ROLLBACK') =>
    transact(context, live, { stored, safetyBackup, target, end }, work => change(work, target))
  // Find out whether it works before taking a safety copy.
  const rehearsed = run(null, 'ROLLBACK')
  const safety = await safetyCopy(context, { reason: 'pre-restore' })
  return safety === null ? rehearsed : run(safety, 'COMMIT')
}

/**
 * Erases in the copy who was erased here since: their memberships and invitations to them do not come back with something else,
 * and their keys come back with a project only without a name, and revoked. What others had got from them is not theirs.
 *
 * @throws conflict (one of the things is such a person, or theirs)
 */
async function eraseInCopy(
  context: FileContext,
  live: Client,
  copy: string,
  things: readonly Target[],
): Promise<void> {
  const erased = erasedUsers(live)
  if (erased.length === 0) return
  using client = openPrivate(copy)
  passOn(client, live, erased, context.now())
  for (const { noun, id } of things) {
    const row = client.query(`SELECT * FROM "${nouns[noun].plural}" WHERE id = ?`).get(id) as object | null
    const people = owners(noun).flatMap(([column, owner]) =>
      owner === 'user' && row !== null ? [String(Reflect.get(row, column))] : [],
    )
    if (![id, ...people].some(each => erased.includes(each))) continue
    throw new LatchkeyError(
      'conflict',
      `the ${noun} ${id} was erased with its person, and no backup brings that back; nothing was changed`,
      'restore something else; who was erased is in: latchkey audit list --action user.erase',
    )
  }
  client.run('BEGIN IMMEDIATE')
  await eraseAgain(context, client, erased)
  client.run('COMMIT')
}

/** Makes what belonged to one of these `users` belong, in the copy too, to whoever it was given to since. */
function passOn(copy: Client, live: Client, users: readonly string[], now: Date): void {
  // The new owner may be younger than the backup.
  copy.run('PRAGMA foreign_keys = OFF')
  for (const noun of nounNames) {
    const table = nouns[noun].plural
    for (const [column] of owners(noun).filter(([, owner]) => owner === 'user')) {
      const theirs = copy
        .query(`SELECT * FROM "${table}" WHERE "${column}" IN (SELECT value FROM json_each(?))`)
        .all(JSON.stringify(users)) as Row[]
      for (const then of theirs) {
        const id = then['id'] ?? null
        const here = live.query(`SELECT * FROM main."${table}" WHERE id = ?`).get(id) as Row | null
        const last = here ?? lastKnown(live, noun, then, now.getTime())
        if (last[column] === undefined || last[column] === then[column]) continue
        // A project may be an organization's by now.
        const given = owners(noun).filter(([each]) => each === column || last[each] != null)
        copy
          .query(`UPDATE "${table}" SET ${given.map(([each]) => `"${each}" = ?`).join(', ')} WHERE id = ?`)
          .run(...given.map(([each]) => last[each] ?? null), id)
      }
    }
  }
  copy.run('PRAGMA foreign_keys = ON')
}

interface Ownerless {
  readonly id: string
  readonly slug: string
}

/** An organization comes back without the owners who have left it, rather than not at all. */
const noOwner = ({ slug }: Ownerless): string =>
  `org ${slug}: no owner who may sign in; add one with: ${shellLine(['org', 'member', 'add', slug, 'USER', '--role', ownerRole])}`

interface Step {
  readonly stored: StoredBackup
  readonly safetyBackup: Backup | null
  readonly target: Target
  readonly end: 'COMMIT' | 'ROLLBACK'
}

function transact(
  context: FileContext,
  live: Client,
  { stored, safetyBackup, target: { noun, id }, end }: Step,
  change: (work: Return) => void,
): Restored {
  live.run('BEGIN IMMEDIATE')
  try {
    const before = rowCounts(live)
    const now = context.now()
    const work = new Return(live, now.getTime(), toView(stored).path)
    const { name } = work.get(work.get('main', noun, id).row === null ? 'backup' : 'main', noun, id)
    // Asked by the connection itself, for nothing may be awaited within the transaction.
    const { sql, params } = ownerless(databaseOn(live), now).toSQL()
    const withoutOwner = () => live.query(sql).all(...(params as string[])) as Ownerless[]
    const without = withoutOwner()
    change(work)
    const left = Object.groupBy(withoutOwner(), org => (work.hasAdded(org.id) ? 'back' : 'here'))
    requireOwnersKept(without, left.here ?? [])
    const { changes, touched } = work
    const stays = [...work.stays, ...(left.back ?? []).map(noOwner)]
    recordInside(context, live, {
      action: `${noun}.restore`,
      target: { type: noun, id, name },
      after: {
        backup: stored.manifest.id,
        takenAt: stored.manifest.createdAt.toISOString(),
        safetyBackup: safetyBackup?.id ?? null,
        ...changes,
        touched,
      },
    })
    const rows = rowCounts(live)
    live.run(end)
    return {
      path: context.path,
      backup: toView(stored),
      only: `${noun} ${name}`,
      safetyBackup,
      movedAside: [],
      schemaVersion: latestVersion,
      rows,
      before,
      changes,
      stays,
      revived: null,
      openBy: holdersOf(context.path),
    }
  } catch (error) {
    if (live.inTransaction) live.run('ROLLBACK')
    throw error
  }
}

/** @throws not_found, ambiguous */
async function idOf(copy: string, { noun, selector }: Chosen, { manifest }: StoredBackup): Promise<string> {
  using client = openPrivate(copy)
  try {
    return (await find(databaseOn(client), noun, selector)).id
  } catch (error) {
    if (!(error instanceof LatchkeyError) || error.code !== 'not_found') throw error
    throw new LatchkeyError(
      'not_found',
      `${error.message} in the backup ${manifest.id}, taken ${manifest.createdAt.toISOString()}`,
      'it may be in an older or newer backup: latchkey backup list',
    )
  }
}
