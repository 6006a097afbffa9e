import { changedKey } from '../../../contract/views/keys.ts'
import type { Values } from '../../declare/declaration.ts'
import { command, oneOrRows, opt, verbatim } from '../../declare/define.ts'
import { json } from '../../declare/parse.ts'
import { whenIfEver } from '../../declare/times.ts'
import { keysText } from '../../draw/columns.ts'
import { fields } from '../fields.ts'
import { limitChanges } from '../limit-options.ts'
import { updatedText, withChange } from '../thing.ts'
import { whereFilter, whereFilters } from './filters.ts'
import { type Choosing, changing, deliberately, manyKeys, matchingOptions, oneKey } from './matching.ts'

const changes = {
  name: opt.text('name', 'New name'),
  user: opt.clearable('user', verbatim, 'Owner of the key'),
  project: opt.clearable('project', verbatim, 'What it is for'),
  model: opt.clearable('model', verbatim, 'Model to use instead of the one a request asks for'),
  allowModel: opt.clearableMany('pattern', verbatim, 'Allowed model; * matches anything (repeatable)'),
  scope: opt.clearableMany('scope', verbatim, 'Allowed scope, such as chat:write or chat:* (repeatable)'),
  expires: opt.clearable('duration|date', whenIfEver, 'When the key stops working'),
  metadata: opt.clearable('json', json, 'Your own JSON to store with the key'),
  ...limitChanges('Limit to add or change'),
}

const changesOf = (typed: Values<typeof changes>) => {
  const own = Object.entries(typed).filter(([name]) => name in changes)
  return fields(Object.fromEntries(own) as typeof typed)
}

export default command({
  effect: 'write',
  summary: 'Change a key; what you do not name stays the same',
  description:
    'A --limit sets the limit with that window; other limits stay. --scope and --allow-model replace the whole list. --limit tokens=0/5h allows nothing, --no-limit tokens/5h removes that limit, --no-limit tokens all limits on tokens, those for each end user too. With --all-matching every key that matches the filters is changed; the filters on scope, user, project, org and model begin with --where here.',
  examples: [
    'latchkey key update ci --limit tokens=500k/5h --limit tokens=5M/30d',
    'latchkey key update ci --limit usd=100/30d --no-limit usd/7d',
    'latchkey key update ci --no-limit tokens --no-expires',
    'latchkey key update ci --user bob --no-project --allow-model "gpt-*" --allow-model glm-4.7',
    'latchkey key update --where-project shop --all-matching --expires 30d --yes',
  ],
  args: { key: oneKey(whereFilters) },
  options: { ...changes, ...matchingOptions, ...whereFilters },
  ...changing<Values<typeof changes & typeof whereFilters> & Choosing>({
    filter: typed => deliberately(typed, whereFilter(typed)),
    one: (keys, key, typed) => keys.update(key, changesOf(typed)),
    many: typed => ({ verb: 'update', changes: changesOf(typed) }),
    question: 'Change',
  }),
  would: (result, brush) => {
    const said = `update ${keysText(result)}`
    return 'before' in result ? withChange(said, result, brush) : said
  },
  prints: oneOrRows(changedKey, {
    ...manyKeys,
    done: (key, brush) => updatedText('key', key, brush),
  }),
})
