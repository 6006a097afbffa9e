import { LatchkeyError } from '../../../contract/errors.ts'

/** What to do about a backup that is not what was written. */
export const findSound = 'find one that is sound with: latchkey backup verify --all'

/** @param code `checksum` for other bytes than were written, `corrupt` for what they hold */
export const damaged = (
  id: string,
  what: string,
  { code = 'checksum', cause }: { readonly code?: 'checksum' | 'corrupt'; readonly cause?: unknown } = {},
): LatchkeyError => new LatchkeyError(code, `the backup ${id} is damaged: ${what}`, findSound, { cause })
