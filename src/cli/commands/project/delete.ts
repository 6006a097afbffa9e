import { project } from '../../../contract/views/people.ts'
import { thing } from '../thing.ts'

export default thing('project', project, ({ projects }, { project }) => [projects, project]).delete({
  summary: 'Erase a project that has no keys',
  examples: ['latchkey project delete shop', 'latchkey project delete shop --yes'],
})
