/** Opens the library to look things up for questions and completions. Never writes. */

import type { Latchkey } from '../../index.ts'
import type { Environment } from '../../system/home.ts'
import type { Config } from '../settings/config.ts'

/** Connects to the configured database for reading. Loads the library. */
export async function openForReading(config: Config, env: Environment): Promise<Latchkey> {
  const { connectLatchkey } = await import('../../index.ts')
  return connectLatchkey({ path: config.db, access: 'read', backupDir: config.backupDir, env })
}
