/** Written by `bun run generate`: the files of drizzle/, oldest first, as text that a compiled binary carries along. */
import down0 from '../../../drizzle/0000_foundation.down.sql' with { type: 'text' }
import up0 from '../../../drizzle/0000_foundation.sql' with { type: 'text' }
import down1 from '../../../drizzle/0001_quotas.down.sql' with { type: 'text' }
import up1 from '../../../drizzle/0001_quotas.sql' with { type: 'text' }
import down2 from '../../../drizzle/0002_imports.down.sql' with { type: 'text' }
import up2 from '../../../drizzle/0002_imports.sql' with { type: 'text' }
import down3 from '../../../drizzle/0003_trust.down.sql' with { type: 'text' }
import up3 from '../../../drizzle/0003_trust.sql' with { type: 'text' }
import down4 from '../../../drizzle/0004_usage_series.down.sql' with { type: 'text' }
import up4 from '../../../drizzle/0004_usage_series.sql' with { type: 'text' }
import down5 from '../../../drizzle/0005_chats.down.sql' with { type: 'text' }
import up5 from '../../../drizzle/0005_chats.sql' with { type: 'text' }
import down6 from '../../../drizzle/0006_audit_chain.down.sql' with { type: 'text' }
import up6 from '../../../drizzle/0006_audit_chain.sql' with { type: 'text' }
import down7 from '../../../drizzle/0007_people.down.sql' with { type: 'text' }
import up7 from '../../../drizzle/0007_people.sql' with { type: 'text' }
import down8 from '../../../drizzle/0008_content.down.sql' with { type: 'text' }
import up8 from '../../../drizzle/0008_content.sql' with { type: 'text' }
import down9 from '../../../drizzle/0009_organizations.down.sql' with { type: 'text' }
import up9 from '../../../drizzle/0009_organizations.sql' with { type: 'text' }
import down10 from '../../../drizzle/0010_better_auth.down.sql' with { type: 'text' }
import up10 from '../../../drizzle/0010_better_auth.sql' with { type: 'text' }
import down11 from '../../../drizzle/0011_lists.down.sql' with { type: 'text' }
import up11 from '../../../drizzle/0011_lists.sql' with { type: 'text' }
import down12 from '../../../drizzle/0012_imports.down.sql' with { type: 'text' }
import up12 from '../../../drizzle/0012_imports.sql' with { type: 'text' }
import down13 from '../../../drizzle/0013_api_keys.down.sql' with { type: 'text' }
import up13 from '../../../drizzle/0013_api_keys.sql' with { type: 'text' }
import down14 from '../../../drizzle/0014_names.down.sql' with { type: 'text' }
import up14 from '../../../drizzle/0014_names.sql' with { type: 'text' }
import down15 from '../../../drizzle/0015_limits.down.sql' with { type: 'text' }
import up15 from '../../../drizzle/0015_limits.sql' with { type: 'text' }
import down16 from '../../../drizzle/0016_accents.down.sql' with { type: 'text' }
import up16 from '../../../drizzle/0016_accents.sql' with { type: 'text' }

export const migrationTexts: readonly (readonly [name: string, up: string, down: string])[] = [
  ['0000_foundation', up0, down0],
  ['0001_quotas', up1, down1],
  ['0002_imports', up2, down2],
  ['0003_trust', up3, down3],
  ['0004_usage_series', up4, down4],
  ['0005_chats', up5, down5],
  ['0006_audit_chain', up6, down6],
  ['0007_people', up7, down7],
  ['0008_content', up8, down8],
  ['0009_organizations', up9, down9],
  ['0010_better_auth', up10, down10],
  ['0011_lists', up11, down11],
  ['0012_imports', up12, down12],
  ['0013_api_keys', up13, down13],
  ['0014_names', up14, down14],
  ['0015_limits', up15, down15],
  ['0016_accents', up16, down16],
]
