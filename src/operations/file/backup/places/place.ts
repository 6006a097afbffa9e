/**
 * What every place for backups can do, a folder or a prefix in a bucket. Everything else reads, writes and removes files
 * through it, by their names; nothing here knows what a backup is.
 */
import { LatchkeyError } from '../../../../contract/errors.ts'
import { findSound } from '../damaged.ts'

export interface Location {
  /** The absolute path of the folder, or `s3://bucket/prefix`. */
  readonly address: string
  readonly kind: 'folder' | 's3'
  /** How people name a file in it. */
  readonly pathOf: (name: string) => string
  /**
   * The names of all files in it, not of those below it.
   *
   * @throws not_found (no such folder or bucket), permission, busy (no answer)
   */
  readonly list: () => Promise<readonly string[]>
  /** Bytes of a file; undefined when there is none. */
  readonly size: (name: string) => Promise<number | undefined>
  /**
   * The bytes of a file in order.
   *
   * @param limit how many there may be: neither a store that goes on sending nor a stranger's file is read to its end
   * @throws not_found, checksum (there are more), permission, busy (no answer)
   */
  readonly read: (name: string, limit: number) => AsyncIterable<Uint8Array>
  /**
   * Takes a finished private file in under a name that must be free: it is complete and durable when the promise
   * resolves, and not there at all when it rejects.
   *
   * @param count told how many bytes have been read back, where that is how they are checked
   * @throws conflict, disk_full, permission, checksum (other bytes arrived than were sent), busy
   */
  readonly add: (name: string, file: string, sha256: string, count?: (bytes: number) => void) => Promise<void>
  /** Writes a small text at once, over one that is there. @throws disk_full, permission, busy */
  readonly replace: (name: string, text: string) => Promise<void>
  /** Removes a file, for good when the promise resolves; it may be missing. @throws permission, busy */
  readonly remove: (name: string) => Promise<void>
}

/** @throws checksum */
export function requireLimit(path: string, bytes: number, limit: number): void {
  if (bytes <= limit) return
  throw new LatchkeyError(
    'checksum',
    `${path} is larger than it can be: it has more than ${limit} bytes`,
    findSound,
  )
}
