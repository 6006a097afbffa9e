import { changedKey } from '../../../contract/views/keys.ts'
import { lineOf } from '../../../text/shell-word.ts'
import { command, oneOrRows } from '../../declare/define.ts'
import { outcomeText } from '../thing.ts'
import { type Filters, keyFilter, keyFilters } from './filters.ts'
import { changing, manyKeys, matchingOptions, oneKey } from './matching.ts'

export default command({
  effect: 'write',
  summary: 'Turn a key off until it is enabled again',
  examples: [
    'latchkey key disable ci',
    'latchkey key disable ci --dry-run --json',
    'latchkey key disable --user alice --all-matching --yes',
  ],
  args: { key: oneKey(keyFilters) },
  options: { ...matchingOptions, ...keyFilters },
  ...changing<Filters>({
    filter: keyFilter,
    one: (keys, key) => keys.disable(key),
    many: () => ({ verb: 'disable' }),
    question: 'Disable',
  }),
  prints: oneOrRows(changedKey, {
    ...manyKeys,
    done: key =>
      outcomeText(`Disabled key ${key.name} (${key.id}). Undo: ${lineOf('key enable', key.id)}`, 'key', key),
  }),
})
