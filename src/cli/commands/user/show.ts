import { user } from '../../../contract/views/people.ts'
import { thing } from '../thing.ts'

export default thing('user', user, ({ users }) => users).show({
  summary: 'Show one user',
  examples: ['latchkey user show alice', 'latchkey user show alice@example.org --json'],
})
