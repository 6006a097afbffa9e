/**
 * The interface of a place for backups: a folder, or a prefix in a bucket. Files are read, written and removed by name.
 * Nothing here knows what a backup is.
 */
import { LatchkeyError } from '../../../../contract/errors.ts'
import { findSound } from '../damaged.ts'

export interface Location {
  /** The absolute path of the folder, or `s3://bucket/prefix`. */
  readonly address: string
  readonly kind: 'folder' | 's3'
  /** The path or address of a file in it, to show to people. */
  readonly pathOf: (name: string) => string
  /**
   * The names of all files directly in it.
   *
   * @throws not_found (no such folder or bucket), permission, busy (no answer)
   */
  readonly list: () => Promise<readonly string[]>
  /** Bytes of a file; undefined if it does not exist. */
  readonly size: (name: string) => Promise<number | undefined>
  /**
   * Reads a file.
   *
   * @param limit the most bytes to read, in case the store keeps sending or the file is not ours
   * @throws not_found, checksum (the file is longer), permission, busy (no answer)
   */
  readonly read: (name: string, limit: number) => AsyncIterable<Uint8Array>
  /**
   * Adds a finished private file under a free name. It is complete and durable once the promise resolves, and does not
   * exist if the promise rejects.
   *
   * @param count called with the bytes read back so far, if the place checks by reading back
   * @throws conflict, disk_full, permission, checksum (the bytes changed on the way), busy
   */
  readonly add: (name: string, file: string, sha256: string, count?: (bytes: number) => void) => Promise<void>
  /** Writes a small text atomically, replacing any old one. @throws disk_full, permission, busy */
  readonly replace: (name: string, text: string) => Promise<void>
  /** Removes a file durably; it may be missing. @throws permission, busy */
  readonly remove: (name: string) => Promise<void>
}

/** @throws checksum */
export function requireLimit(path: string, bytes: number, limit: number): void {
  if (bytes <= limit) return
  throw new LatchkeyError(
    'checksum',
    `${path} is larger than expected: it has more than ${limit} bytes`,
    findSound,
  )
}
