import { exportedKey } from '../../../contract/views/exports.ts'
import { command, rows } from '../../declare/define.ts'
import { keyFilter, keyFilters } from './filters.ts'

export default command({
  effect: 'read',
  summary: 'Export keys without their secrets, for key import',
  description:
    'Writes NDJSON, or CSV with -o csv. The export holds the hashes of secrets, so that keys keep working where they are imported. A hash cannot be turned back into a secret, but whoever imports it decides what that key may do. Totals are included, usage by the minute is not, so usage windows start empty.',
  examples: [
    'latchkey key export > keys.ndjson',
    'latchkey key export --project shop -o csv > shop.csv',
    'latchkey key export --status active | ssh other latchkey key import -',
  ],
  options: keyFilters,
  run: async (ctx, filter) => (await ctx.operations()).keys.export(keyFilter(filter)),
  prints: rows(exportedKey, { columns: [], empty: 'No keys.' }),
})
