/** The version of the running program. */
import type { ProgramInfo } from '../../../contract/views.ts'
import { programVersion } from '../../../system/version.ts'

export const runningProgram = (): ProgramInfo => ({ version: programVersion, bun: Bun.version })
