import { LatchkeyError } from '../../../contract/errors.ts'

/** The hint for a damaged backup. */
export const findSound = 'find an undamaged one with: latchkey backup verify --all'

/** @param code `checksum` if the bytes changed, `corrupt` if their contents are wrong */
export const damaged = (
  id: string,
  what: string,
  { code = 'checksum', cause }: { readonly code?: 'checksum' | 'corrupt'; readonly cause?: unknown } = {},
): LatchkeyError => new LatchkeyError(code, `the backup ${id} is damaged: ${what}`, findSound, { cause })
