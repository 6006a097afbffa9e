/** Finds the newest backup without known problems, which newer ones are skipped, and what to say if there is none. */
import { LatchkeyError } from '../../../contract/errors.ts'
import { lineOf } from '../../../text/shell-word.ts'
import { clockToleranceMs } from '../../rules/input.ts'
import { type BrokenBackup, dataPath, type StoredBackup } from './manifest.ts'
import { databasesIn, isSame, type OwnSurvey } from './ownership.ts'

/** Whether it is dated in the future: the clock was wrong then or is wrong now. */
export const isFromLater = ({ manifest }: StoredBackup, now: Date): boolean =>
  manifest.createdAt.getTime() > now.getTime() + clockToleranceMs

interface PassedOver {
  /** The data file, or the manifest if that cannot be read. */
  readonly path: string
  readonly problem: string
}

interface Newest {
  readonly stored: StoredBackup
  /** Newer ones with problems, newest first. */
  readonly passedOver: readonly PassedOver[]
}

interface Moment {
  readonly now: Date
  /** Only backups taken by then. */
  readonly at?: Date | undefined
  /** Where the backups are. */
  readonly where: string
}

/**
 * The newest backup of the database without known problems. Safety copies of states that a restore has replaced are only
 * for an undo, or the last resort.
 *
 * @throws not_found, saying what there is instead; ambiguous (it is unknown which of several databases this is)
 */
export function newestOf(own: OwnSurvey, moment: Moment): Newest {
  requireOneDatabase(own, moment.where)
  const unusable = passedOver(own, moment)
  const usable = own.backups.filter(
    stored => isDue(stored.manifest.createdAt, moment) && problemOf(stored, moment.now) === undefined,
  )
  const stored = usable.find(({ manifest }) => manifest.reason !== 'pre-restore') ?? usable[0]
  if (stored === undefined) throw nothing(own, moment, unusable)
  const since = stored.manifest.createdAt
  return { stored, passedOver: unusable.filter(({ takenAt }) => takenAt > since) }
}

/**
 * The newest backup of the database, even one with known problems, to verify it again.
 *
 * @throws not_found, ambiguous
 */
export function newestTaken(own: OwnSurvey, moment: Moment): StoredBackup {
  requireOneDatabase(own, moment.where)
  const newest = own.backups.find(stored => !isFromLater(stored, moment.now)) ?? own.backups[0]
  if (newest === undefined) throw nothing(own, moment, passedOver(own, moment))
  return newest
}

const isDue = (takenAt: Date, { at }: Moment): boolean => at === undefined || takenAt <= at

function problemOf(stored: StoredBackup, now: Date): string | undefined {
  const { createdAt, failure } = stored.manifest
  if (isFromLater(stored, now)) return `it is dated ${createdAt.toISOString()}, which is in the future`
  return failure === null ? undefined : `it failed its verification: ${failure.problem}`
}

interface Unusable extends PassedOver {
  readonly takenAt: Date
}

function passedOver({ backups, broken }: OwnSurvey, moment: Moment): readonly Unusable[] {
  const bad = backups.flatMap(stored => {
    const problem = problemOf(stored, moment.now)
    return problem === undefined
      ? []
      : [{ path: dataPath(stored), problem, takenAt: stored.manifest.createdAt }]
  })
  const unreadable = broken.flatMap(({ path, problem, takenAt }: BrokenBackup) =>
    takenAt === undefined ? [] : [{ path, problem, takenAt }],
  )
  return [...bad, ...unreadable]
    .filter(({ takenAt }) => isDue(takenAt, moment))
    .sort((a, b) => b.takenAt.getTime() - a.takenAt.getTime())
}

/** Guessing could bring back the rows of another database. */
function requireOneDatabase({ asked, backups, others }: OwnSurvey, where: string): void {
  if (asked.id !== null || others.every(({ manifest }) => manifest.database === null)) return
  const all = [...backups, ...others]
  throw new LatchkeyError(
    'ambiguous',
    `${asked.path} cannot tell which database it was, and ${where} has backups of several: ${listOf(all)}`,
    byName(all[0]),
  )
}

function nothing(own: OwnSurvey, { at, where }: Moment, unusable: readonly PassedOver[]): LatchkeyError {
  const { backups, others } = own
  if (unusable.length > 0) {
    const problems = unusable.slice(0, mostNamed).map(({ path, problem }) => `${path}: ${problem}`)
    const more = unusable.length > mostNamed ? ` and ${unusable.length - mostNamed} more` : ''
    return notFound(
      `no backup in ${where} is usable: ${problems.join('; ')}${more}`,
      'check them all with: latchkey backup verify --all, or restore one that you trust: latchkey restore ID',
    )
  }
  if (at !== undefined && backups.length > 0) {
    return notFound(`there is no backup from ${at.toISOString()} or before`, seeAll)
  }
  if (others.length === 0) return notFound(`there is no backup in ${where}`, seeAll)
  return nothingOwn(own, where)
}

/** The error when there are backups, but none of this database. */
export function nothingOwn({ asked, others }: OwnSurvey, where: string): LatchkeyError {
  const which = asked.id === null ? asked.path : `${asked.path} (${asked.id})`
  return notFound(
    `there is no backup of ${which} in ${where}, only ${listOf(others)}`,
    byName(others.find(({ manifest }) => manifest.database?.id === asked.id) ?? others[0]),
  )
}

const mostNamed = 5

/** `14 of /srv/staging.db (dbs_…) on host-2, and 3 that an older Latchkey made, of unknown databases`. */
function listOf(backups: readonly StoredBackup[]): string {
  const databases = databasesIn(backups)
  const counts = databases.slice(0, mostNamed).map(database => {
    const count = backups.filter(b => b.manifest.database && isSame(b.manifest.database, database)).length
    const { id, host, path } = database
    return `${count} of ${path}${id === null ? '' : ` (${id})`} on ${host}`
  })
  const unnamed = backups.filter(({ manifest }) => manifest.database === null).length
  return [
    ...counts,
    ...(databases.length > mostNamed ? [`those of ${databases.length - mostNamed} more databases`] : []),
    ...(unnamed > 0 ? [`${unnamed} that an older Latchkey made, of unknown databases`] : []),
  ].join(', ')
}

const seeAll = 'list backups with: latchkey backup list, or name the folder with --from'

const byName = (example: StoredBackup | undefined): string =>
  `see them with: latchkey backup list --all-databases, and name the right one, such as: ${lineOf(
    'restore',
    example === undefined ? 'ID' : dataPath(example),
  )}`

const notFound = (message: string, hint: string): LatchkeyError =>
  new LatchkeyError('not_found', message, hint)
