/** Opens the library for what looks something up beside the command: questions and completions. Must never write. */

import type { Latchkey } from '../../index.ts'
import type { Environment } from '../../system/home.ts'
import type { Config } from '../settings/config.ts'

/** The configured database, for reading; the library is loaded with it. */
export async function openForReading(config: Config, env: Environment): Promise<Latchkey> {
  const { connectLatchkey } = await import('../../index.ts')
  return connectLatchkey({ path: config.db, access: 'read', backupDir: config.backupDir, env })
}
