/** Inputs of the imports. */
import * as v from 'valibot'
import type { SourceFile } from '../../formats/source.ts'
import type { Input } from '../rules/input.ts'

export const importOptions = v.object({
  /** Revoke the keys that came from this source and are no longer in it. */
  revokeGone: v.optional(v.boolean(), false),
})
export interface ImportOptions extends SourceFile, Input<typeof importOptions> {}

export const undoOptions = v.object({
  /** Keep what was changed or used since, and undo the rest. */
  keepChanged: v.optional(v.boolean(), false),
})
export type UndoOptions = Input<typeof undoOptions>
