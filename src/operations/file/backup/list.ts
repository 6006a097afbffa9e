/** Which backups there are, and which one somebody means. Only reads. */
import { existsSync } from 'node:fs'
import { basename } from 'node:path'
import { LatchkeyError } from '../../../contract/errors.ts'
import type { Backup } from '../../../contract/views.ts'
import type { FileContext } from '../../context.ts'
import { looksLikeId } from '../../rules/ids.ts'
import {
  dataPath,
  manifestName,
  readManifest,
  type StoredBackup,
  type Survey,
  survey,
  toView,
} from './manifest.ts'
import { locate, locateFile } from './places/locate.ts'

export interface ListBackups {
  /** The folder, or `s3://bucket/prefix`; default the context's. */
  readonly from?: string | undefined
  /** Told of every manifest that cannot be read: what it describes is not listed. */
  readonly onBroken?: ((broken: Survey['broken'][number]) => void) | undefined
}

/**
 * Newest first. The default folder may be missing, a folder that was named may not.
 *
 * @throws not_found, permission
 */
export async function listBackups(context: FileContext, input: ListBackups = {}): Promise<readonly Backup[]> {
  const { backups, broken } = await surveyFolder(context, input.from)
  for (const each of broken) input.onBroken?.(each)
  return backups.map(toView)
}

export interface ChooseBackup extends ListBackups {
  /** Id, prefix of an id, file name or path. */
  readonly backup?: string | undefined
  /** The newest one. */
  readonly latest?: boolean | undefined
  /** Age identities that open an encrypted one; default the context's. */
  readonly identityFile?: string | undefined
}

/**
 * The backup that a restore with the same options would use.
 *
 * @throws not_found, ambiguous, corrupt, usage
 */
export async function getBackup(context: FileContext, options: ChooseBackup): Promise<Backup> {
  return toView(await chooseBackup(context, options))
}

/** @throws not_found, ambiguous, corrupt, usage (neither or both of a backup and the latest) */
export async function chooseBackup(context: FileContext, options: ChooseBackup): Promise<StoredBackup> {
  if ((options.backup === undefined) === (options.latest ?? false)) {
    const found = await findBackup(context, options.backup ?? 'latest', options.from)
    return { ...found, identityFile: options.identityFile ?? context.ageIdentityFile }
  }
  throw new LatchkeyError(
    'usage',
    'say which backup is meant: one, or the latest',
    'see them with: latchkey backup list, then: latchkey restore ID, or: latchkey restore --latest',
  )
}

/** All that is in the folder or bucket, broken manifests too. */
export async function surveyFolder(context: FileContext, from: string | undefined): Promise<Survey> {
  const location = locate(context, from ?? context.backupDir)
  const isMissing = location.kind === 'folder' && !existsSync(location.address)
  return from === undefined && isMissing ? { backups: [], broken: [] } : survey(location)
}

/**
 * The one backup that is meant: by id, by a prefix of an id that fits only one, by the name or path of its file or
 * manifest, or `latest`.
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
  const [newest] = backups
  if (selector === 'latest') {
    if (newest) return newest
    throw notFound(`there is no backup in ${where}`)
  }
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
  throw notFound(`the manifest beside ${path} is that of ${dataPath(found)}`)
}

/** What was rescued from a disk may have lost its manifest, and be all that there is. */
const noManifest = (path: string): LatchkeyError =>
  new LatchkeyError(
    'not_found',
    `there is no manifest beside ${path}, so nothing tells whether it is whole`,
    'copy the .json of the same name to it; if that is lost, unpack it (zstd -d), look at what comes out with: latchkey doctor --db FILE, and move that to where the database belongs',
  )

function unusable(path: string, problem: string): LatchkeyError {
  return new LatchkeyError('corrupt', `${path}: ${problem}`, 'see the others with: latchkey backup list')
}

function notFound(message: string): LatchkeyError {
  return new LatchkeyError(
    'not_found',
    message,
    'see what there is with: latchkey backup list, or name the folder with --from',
  )
}
