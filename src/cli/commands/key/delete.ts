import { key } from '../../../contract/views/keys.ts'
import { command, oneOrRows } from '../../declare/define.ts'
import { type Filters, keyFilter, keyFilters } from './filters.ts'
import { changing, manyKeys, matchingOptions, oneKey } from './matching.ts'

export default command({
  effect: 'destroy',
  summary: 'Erase a key with its limits; what it used stays in reports',
  description: 'To stop a key but keep its name, secrets and statistics, revoke it instead.',
  examples: [
    'latchkey key delete ci',
    'latchkey key delete ci --yes',
    'latchkey key delete --status revoked --unused-for 400d --all-matching --dry-run',
  ],
  args: { key: oneKey(keyFilters) },
  options: { ...matchingOptions, ...keyFilters },
  ...changing<Filters>({
    filter: keyFilter,
    one: (keys, key) => keys.delete(key),
    many: () => ({ verb: 'delete' }),
    question: 'Erase for good, with limits',
    askOne: ({ name, id }) => ({
      question: `Erase key ${name} (${id}) with its limits`,
      typed: name,
    }),
  }),
  prints: oneOrRows(key, { ...manyKeys, done: key => `Deleted key ${key.name} (${key.id})` }),
})
