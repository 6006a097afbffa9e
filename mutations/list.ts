/** All mutations. The tests that each names must notice it; see `run.ts`. */
import { audit } from './audit.ts'
import { backups } from './backups.ts'
import { ofBetterAuth } from './better-auth.ts'
import { changes } from './changes.ts'
import { ofChats } from './chats.ts'
import { ofContent } from './content.ts'
import { imports } from './imports.ts'
import { keys } from './keys.ts'
import { limits } from './limits.ts'
import { money } from './money.ts'
import type { Mutation } from './mutation.ts'
import { ofOrganizations } from './organizations.ts'
import { people } from './people.ts'
import { onPostgres } from './postgres.ts'
import { server } from './server.ts'
import { start } from './start.ts'
import { together } from './together.ts'
import { told } from './told.ts'

export const mutations: readonly Mutation[] = [
  ...audit,
  ...money,
  ...limits,
  ...keys,
  ...changes,
  ...server,
  ...backups,
  ...imports,
  ...start,
  ...told,
  ...together,
  ...ofChats,
  ...people,
  ...ofOrganizations,
  ...ofBetterAuth,
  ...ofContent,
  ...onPostgres,
]
