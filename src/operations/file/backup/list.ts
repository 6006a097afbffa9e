/** Lists backups and finds one by its selector. Only reads. */
import { existsSync } from 'node:fs'
import { basename } from 'node:path'
import { LatchkeyError } from '../../../contract/errors.ts'
import type { Backup, ListedBackup } from '../../../contract/views.ts'
import type { FileContext } from '../../context.ts'
import { looksLikeId } from '../../rules/ids.ts'
import { parse } from '../../rules/input.ts'
import { type ChooseBackup, type ChooseState, chosenBackup, type ListBackups, listInput } from './input.ts'
import {
  dataPath,
  manifestName,
  readManifest,
  type StoredBackup,
  type Survey,
  survey,
  toView,
} from './manifest.ts'
import { newestOf } from './newest.ts'
import { askedAbout, type OwnSurvey, ownOf } from './ownership.ts'
import { locate, locateFile } from './places/locate.ts'

/**
 * Backups of the same database at the same path, newest first. The default folder may be missing; a named folder must
 * exist.
 *
 * @throws not_found, permission, invalid
 */
export async function listBackups(
  context: FileContext,
  input: ListBackups = {},
): Promise<readonly ListedBackup[]> {
  const { from, allDatabases } = parse(listInput, input)
  const all = await surveyFolder(context, from)
  const own = ownOf(all, await askedAbout(context))
  for (const each of allDatabases ? all.broken : own.broken) input.onBroken?.(each)
  if (!allDatabases && own.others.length > 0) input.onOthers?.(own.others.map(toView))
  const isOwn = new Set(own.backups)
  return (allDatabases ? all : own).backups.map(stored => ({
    ...toView(stored),
    own: isOwn.has(stored),
  }))
}

/**
 * The backup that a restore with the same options would use.
 *
 * @throws not_found, ambiguous, corrupt, usage (give exactly one of a backup and the latest)
 */
export async function getBackup(context: FileContext, options: ChooseBackup): Promise<Backup> {
  parse(chosenBackup, options)
  if ((options.backup === undefined) === (options.latest ?? false)) {
    return toView(await chooseBackup(context, options))
  }
  if (options.latest) throw chosenTwice('an id and --latest')
  throw new LatchkeyError(
    'usage',
    'no backup was chosen: name one, or ask for the latest',
    'list them with: latchkey backup list, then: latchkey restore ID, or: latchkey restore --latest',
  )
}

export const chosenTwice = (ways: string): LatchkeyError =>
  new LatchkeyError('usage', 'a backup was chosen in more than one way', `give only one of ${ways}`)

/** The named backup, or the latest, or the latest at a time. @throws not_found, ambiguous, corrupt */
export const chooseBackup = (context: FileContext, options: ChooseState): Promise<StoredBackup> =>
  options.backup === undefined || options.backup === 'latest'
    ? latestBackup(context, options)
    : findBackup(context, options.backup, options.from)

/**
 * The newest backup of this database without known problems, or the newest taken by a time.
 *
 * @throws not_found, ambiguous (the database is missing, and several have backups here)
 */
async function latestBackup(
  context: FileContext,
  { from, at, onWarning }: ChooseState,
): Promise<StoredBackup> {
  const where = locate(context, from ?? context.backupDir).address
  const moment = { now: context.now(), at, where }
  const { stored, passedOver } = newestOf(await surveyOwn(context, from), moment)
  for (const { path, problem } of passedOver) onWarning?.(`${path} is newer, but was skipped: ${problem}`)
  return stored
}

/** The backups of the context's database, broken manifests included. */
export const surveyOwn = async (context: FileContext, from: string | undefined): Promise<OwnSurvey> =>
  ownOf(await surveyFolder(context, from), await askedAbout(context))

/** As `surveyOwn`, looked for once, when they are first asked for. */
export function surveyOnce(context: () => FileContext): () => Promise<OwnSurvey> {
  let found: Promise<OwnSurvey> | undefined
  return async () => {
    found ??= surveyOwn(context(), undefined)
    return found
  }
}

/** All backups in the folder or bucket, broken manifests included. */
export async function surveyFolder(context: FileContext, from: string | undefined): Promise<Survey> {
  const location = locate(context, from ?? context.backupDir)
  const isMissing = location.kind === 'folder' && !existsSync(location.address)
  return from === undefined && isMissing ? { backups: [], broken: [] } : survey(location)
}

/**
 * Finds one backup of any database by id, by a unique prefix of an id, or by the name or path of its file or manifest.
 *
 * @throws not_found, ambiguous, corrupt (a broken manifest)
 */
export async function findBackup(
  context: FileContext,
  selector: string,
  from?: string,
): Promise<StoredBackup> {
  if (selector.includes('/')) return findAt(context, selector)
  const { backups, broken } = await surveyFolder(context, from)
  const where = locate(context, from ?? context.backupDir).address
  const text = selector.toLowerCase()
  const matches = backups.filter(
    ({ manifest }) =>
      manifest.file === selector ||
      manifestName(manifest.file) === selector ||
      (looksLikeId(text, 'bak') && manifest.id.startsWith(text)),
  )
  const [match, second] = matches
  if (second) {
    throw new LatchkeyError(
      'ambiguous',
      `"${selector}" matches ${matches.length} backups: ${matches
        .slice(0, 10)
        .map(m => m.manifest.id)
        .join(', ')}`,
      `use a longer id, for example: ${second.manifest.id}`,
    )
  }
  if (match) return match
  const damaged = broken.find(b => b.id === text || basename(b.path) === selector)
  if (damaged) throw unusable(damaged.path, damaged.problem)
  throw notFound(`no backup in ${where} matches "${selector}"`)
}

async function findAt(context: FileContext, path: string): Promise<StoredBackup> {
  const { location, name } = locateFile(context, path)
  const found = await readManifest(location, manifestName(name))
  if (found === undefined) throw noManifest(path)
  if ('problem' in found) throw unusable(found.path, found.problem)
  if (name.endsWith('.json') || name === found.manifest.file) return found
  throw notFound(`the manifest beside ${path} belongs to ${dataPath(found)}`)
}

/** A file rescued from a disk may have lost its manifest, and may be the only copy. */
const noManifest = (path: string): LatchkeyError =>
  new LatchkeyError(
    'not_found',
    `there is no manifest beside ${path}, so it cannot be checked`,
    'put the .json of the same name beside it; if that is lost, unpack the file (zstd -d), check the result with: latchkey doctor --db FILE, and move it into place',
  )

function unusable(path: string, problem: string): LatchkeyError {
  return new LatchkeyError('corrupt', `${path}: ${problem}`, 'see the others with: latchkey backup list')
}

function notFound(message: string): LatchkeyError {
  return new LatchkeyError(
    'not_found',
    message,
    'list backups with: latchkey backup list, or name the folder with --from',
  )
}
