import { changedKey } from '../../../contract/views/keys.ts'
import { command, oneOrRows } from '../../declare/define.ts'
import { outcomeText } from '../thing.ts'
import { type Filters, keyFilter, keyFilters } from './filters.ts'
import { changing, manyKeys, matchingOptions, oneKey } from './matching.ts'

export default command({
  effect: 'write',
  summary: 'Turn a disabled key on again',
  examples: [
    'latchkey key enable ci',
    'latchkey key enable ci --dry-run --json',
    'latchkey key enable --user alice --all-matching --yes',
  ],
  args: { key: oneKey(keyFilters) },
  options: { ...matchingOptions, ...keyFilters },
  ...changing<Filters>({
    filter: keyFilter,
    one: (keys, key) => keys.enable(key),
    many: () => ({ verb: 'enable' }),
    question: 'Enable',
  }),
  prints: oneOrRows(changedKey, {
    ...manyKeys,
    done: key => outcomeText(`Enabled key ${key.name} (${key.id})`, 'key', key),
  }),
})
