/** What imports take. Types alone. */
import type { SourceFile } from '../../formats/source.ts'

export interface ImportOptions extends SourceFile {
  /** Revoke the keys that came from this source and are no longer in it. */
  readonly revokeGone?: boolean | undefined
}

export interface UndoOptions {
  /** Leave what was changed or used since as it is, and take back the rest. */
  readonly keepChanged?: boolean | undefined
}
