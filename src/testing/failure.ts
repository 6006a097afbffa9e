/** The error of a call. For tests only. */
import { LatchkeyError } from '../contract/errors.ts'

/** The error of work that must fail with an expected error. Anything else fails the test. */
export async function failure(work: Promise<unknown>): Promise<LatchkeyError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (error instanceof LatchkeyError) return error
  throw error ?? new Error('nothing failed')
}
