import { project } from '../../../contract/views/people.ts'
import { thing } from '../thing.ts'

export default thing('project', project, ({ projects }) => projects).show({
  summary: 'Show one project and its members',
  examples: ['latchkey project show shop', 'latchkey project show shop --json'],
})
