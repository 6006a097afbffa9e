/** Written by `bun run generate`: the files of drizzle/postgres/, oldest first, as text that a compiled binary carries along. */
import up0 from '../../../drizzle/postgres/0004_usage_series.sql' with { type: 'text' }
import up1 from '../../../drizzle/postgres/0005_chats.sql' with { type: 'text' }
import up2 from '../../../drizzle/postgres/0006_audit_chain.sql' with { type: 'text' }
import up3 from '../../../drizzle/postgres/0007_people.sql' with { type: 'text' }
import up4 from '../../../drizzle/postgres/0008_content.sql' with { type: 'text' }
import up5 from '../../../drizzle/postgres/0009_organizations.sql' with { type: 'text' }
import up6 from '../../../drizzle/postgres/0010_better_auth.sql' with { type: 'text' }
import up7 from '../../../drizzle/postgres/0011_lists.sql' with { type: 'text' }
import up8 from '../../../drizzle/postgres/0012_imports.sql' with { type: 'text' }
import up9 from '../../../drizzle/postgres/0013_api_keys.sql' with { type: 'text' }
import up10 from '../../../drizzle/postgres/0014_names.sql' with { type: 'text' }
import up11 from '../../../drizzle/postgres/0015_limits.sql' with { type: 'text' }
import up12 from '../../../drizzle/postgres/0016_accents.sql' with { type: 'text' }

export const migrationTexts: readonly (readonly [name: string, up: string])[] = [
  ['0004_usage_series', up0],
  ['0005_chats', up1],
  ['0006_audit_chain', up2],
  ['0007_people', up3],
  ['0008_content', up4],
  ['0009_organizations', up5],
  ['0010_better_auth', up6],
  ['0011_lists', up7],
  ['0012_imports', up8],
  ['0013_api_keys', up9],
  ['0014_names', up10],
  ['0015_limits', up11],
  ['0016_accents', up12],
]
