import { user } from '../../../contract/views/people.ts'
import { thing } from '../thing.ts'

export default thing('user', user, ({ users }, { user }) => [users, user]).delete({
  summary: 'Erase a user who owns no keys, projects or chats',
  examples: ['latchkey user delete alice', 'latchkey user delete alice --yes --json'],
})
