/** Inputs of the imports. Only types. */
import type { SourceFile } from '../../formats/source.ts'

export interface ImportOptions extends SourceFile {
  /** Revoke the keys that came from this source and are no longer in it. */
  readonly revokeGone?: boolean | undefined
}

export interface UndoOptions {
  /** Keep what was changed or used since, and undo the rest. */
  readonly keepChanged?: boolean | undefined
}
