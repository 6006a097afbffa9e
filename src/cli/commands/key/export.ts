import { exportedKey } from '../../../contract/views/exports.ts'
import { command, rows } from '../../declare/define.ts'
import { keyFilter, keyFilters } from './filters.ts'

export default command({
  effect: 'read',
  summary: 'Write everything about keys but their secrets, for key import',
  description:
    'NDJSON unless -o says csv. It holds the hashes of secrets: they let a key go on working elsewhere and cannot be turned back into a secret, but whoever can import them decides what those keys may do. Totals go along, use by the minute does not: windows of limits begin anew.',
  examples: [
    'latchkey key export > keys.ndjson',
    'latchkey key export --project shop -o csv > shop.csv',
    'latchkey key export --status active | ssh other latchkey key import -',
  ],
  options: keyFilters,
  run: async (ctx, filter) => (await ctx.operations()).keys.export(keyFilter(filter)),
  prints: rows(exportedKey, { columns: [], empty: 'No keys.' }),
})
