import { changedKey } from '../../../contract/views/keys.ts'
import { command, oneOrRows, opt } from '../../declare/define.ts'
import { outcomeText } from '../thing.ts'
import { type Filters, keyFilter, keyFilters } from './filters.ts'
import { changing, manyKeys, matchingOptions, oneKey } from './matching.ts'

export default command({
  effect: 'destroy',
  summary: 'End a key for good; its history and name stay',
  description:
    'Revoking is final. To turn a key off for a while, use key disable; for a new secret, key rotate. With --all-matching every key that matches the filters is revoked: all of them or none.',
  examples: [
    'latchkey key revoke ci --reason leaked --yes',
    'printf %s "$secret" | latchkey key revoke - --yes --json',
    'latchkey key revoke --user alice --unused-for 90d --all-matching --dry-run',
    'latchkey key revoke --project shop --all-matching --expect-count 12 --yes',
  ],
  args: { key: oneKey(keyFilters) },
  options: { reason: opt.text('text', 'Why, for the record'), ...matchingOptions, ...keyFilters },
  ...changing<Filters & { readonly reason: string | undefined }>({
    filter: keyFilter,
    one: (keys, key, { reason }) => keys.revoke(key, { reason }),
    many: ({ reason }) => ({ verb: 'revoke', reason }),
    question: 'Revoke for good',
    askOne: ({ name, id }) => ({ question: `Revoke key ${name} (${id}) for good`, typed: name }),
  }),
  prints: oneOrRows(changedKey, {
    ...manyKeys,
    done: key => outcomeText(`Revoked key ${key.name} (${key.id})`, 'key', key),
  }),
})
