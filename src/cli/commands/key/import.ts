import { arg, command, opt } from '../../declare/define.ts'
import { reporting } from '../import/drawing.ts'

export default command({
  effect: 'write',
  summary: 'Import keys from CSV or NDJSON, with their hashes or secrets',
  description:
    'Takes the fields that key export writes: name, hash (SHA-256 in hex, with start) or secret, user, project, model, allowedModels, scopes, limits (JSON), createdAt, expiresAt, disabledAt, revokedAt, revokedReason, lastUsedAt, metadata, totals, id. Users and projects must exist. A key whose secret is already known stays unchanged. Files compressed with gzip or zstd are decompressed. If a row is bad, nothing is imported; with --skip-bad the good rows are, and the exit code is 8.',
  examples: [
    'latchkey key import keys.ndjson --dry-run',
    'latchkey key import keys.csv --skip-bad --json',
    'latchkey key export | latchkey key import - --db other.db',
  ],
  args: { file: arg.one('CSV or NDJSON, recognized by name or content; - is stdin') },
  options: { skipBad: opt.flag('Import the good rows and report the bad ones') },
  run: async (ctx, { file, skipBad }) =>
    (await ctx.operations()).keys.import(ctx.rowSource(file), { skipBad }),
  ...reporting,
})
