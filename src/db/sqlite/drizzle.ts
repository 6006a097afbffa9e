/** Drizzle on a connection. Loaded with the first query that it runs itself. */

import { drizzle } from 'drizzle-orm/bun-sqlite/driver'
import type { Database } from '../engine.ts'
import type { Client } from './client.ts'

/** The query builder on a connection that somebody else opened and closes, such as one that looks at a file. */
export const databaseOn = (client: Client): Database => drizzle({ client })
