/**
 * Steps down on a server: the rows take them in a private file, where SQLite's steps know what to do with them, and come back
 * into tables of the older schema, in one transaction.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { LatchkeyError } from '../../../contract/errors.ts'
import type { Migrated, MigrationPlan } from '../../../contract/views.ts'
import { openPrivate } from '../../../db/sqlite/copy.ts'
import { migrateTo, stepsBetween } from '../../../db/sqlite/migrate.ts'
import { programVersion } from '../../../system/version.ts'
import type { FileContext } from '../../context.ts'
import { createUnlocked } from '../../file/backup/create.ts'
import { recordInside } from '../../file/backup/trail.ts'
import { planned } from '../../file/steps.ts'
import { connected, type ServerContext } from '../connected.ts'
import { change } from './server.ts'

/** Milliseconds to wait for other programs to leave the database. */
const othersWaitMs = 5_000

/**
 * Takes a backup (reason `pre-migrate`) of the very rows that it changes. A dry run does all but keep it.
 *
 * @throws busy (others are connected), and as `change`
 */
export async function migrateDown(
  context: ServerContext,
  target: number,
  { dryRun, ...files }: FileContext,
): Promise<Migrated> {
  if (!dryRun) await requireAlone(context)
  let done: Migrated | undefined
  await change(context, { how: dryRun ? 'look' : 'whole', waitMs: 0 }, async live => {
    const own = { ...files, dryRun, path: live, of: files.server?.place, server: undefined }
    const backup = dryRun ? null : await createUnlocked(own, { reason: 'pre-migrate' })
    using client = openPrivate(live)
    const run = migrateTo(client, context.path, target, {
      now: context.now().getTime(),
      programVersion,
      direction: 'down',
      inside: ({ from, to, steps, lost }) =>
        recordInside({ ...files, dryRun }, client, {
          action: 'database.migrate',
          before: { schemaVersion: from },
          after: { schemaVersion: to, steps, backup: backup?.id ?? null, lost },
        }),
    })
    done = { path: context.path, ...run, backup: backup?.id ?? null }
    return live
  })
  if (done === undefined) throw new Error('no step was tried')
  return done
}

/** The steps as SQLite takes them. */
export const stepsDown = (from: number, to: number): MigrationPlan['steps'] =>
  planned(stepsBetween(from, to), 'down')

/** A step down would remove what a running program expects. */
async function requireAlone(context: ServerContext): Promise<void> {
  const others = () =>
    connected(context, connection =>
      connection.rows<{ pid: number; name: string }>(
        `SELECT pid, application_name AS name FROM pg_stat_activity
          WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()`,
      ),
    )
  const deadline = performance.now() + othersWaitMs
  let found = await others()
  while (found.length > 0 && performance.now() < deadline) {
    await sleep(100)
    found = await others()
  }
  if (found.length === 0) return
  const who = found.map(({ pid, name }) => `${name || 'unnamed'} (process ${pid} of the server)`).join(', ')
  throw new LatchkeyError(
    'busy',
    `${context.path} is in use by ${who}, which needs the current schema; nothing was changed`,
    'stop it, then run the command again',
  )
}
