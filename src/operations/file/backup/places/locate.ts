/** Opens a place for backups, a folder or a bucket. Other code uses only the interface in `place.ts`. */
import { basename, dirname, resolve } from 'node:path'
import { LatchkeyError } from '../../../../contract/errors.ts'
import { isAddress, placeProblem } from '../../../../text/address.ts'
import type { FileContext } from '../../../context.ts'
import { folder } from './folder.ts'
import type { Location } from './place.ts'
import { bucket } from './s3.ts'

/** @throws config (not an address for backups) */
export function locate(context: Pick<FileContext, 'env'>, where: string): Location {
  requirePlace(where)
  return isAddress(where) ? bucket(where, context.env ?? {}) : folder(resolve(where))
}

/** The location and the name of a file in it. */
export function locateFile(
  context: Pick<FileContext, 'env'>,
  path: string,
): { readonly location: Location; readonly name: string } {
  requirePlace(path)
  if (!isAddress(path)) {
    const file = resolve(path)
    return { location: folder(dirname(file)), name: basename(file) }
  }
  const end = path.lastIndexOf('/')
  return { location: locate(context, path.slice(0, end)), name: path.slice(end + 1) }
}

/** @throws config (not an address for backups) */
export function requirePlace(where: string): void {
  const wrong = placeProblem(where)
  if (wrong) throw new LatchkeyError('config', wrong.problem, wrong.hint)
}

/** Reads a small file as text. @throws as `read` */
export async function readText(location: Location, name: string, limit: number): Promise<string> {
  return Buffer.concat(await Array.fromAsync(location.read(name, limit))).toString('utf8')
}
