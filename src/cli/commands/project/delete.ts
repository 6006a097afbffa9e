import { nouns } from '../../../contract/nouns.ts'
import { project } from '../../../contract/views/people.ts'
import { arg, command, one } from '../../declare/define.ts'

export default command({
  effect: 'destroy',
  summary: 'Erase a project that has no keys',
  examples: ['latchkey project delete shop', 'latchkey project delete shop --yes'],
  args: { project: arg.one(nouns.project.selectors) },
  confirm: async (ctx, { project }) => {
    const { slug, id } = await (await ctx.operations()).projects.get(project)
    return { question: `Erase project ${slug} (${id}) for good`, typed: slug, binds: { project: id } }
  },
  run: async (ctx, { project }) => (await ctx.operations()).projects.delete(project),
  prints: one(project, { done: project => `Deleted project ${project.slug} (${project.id})` }),
  would: project => `delete project ${project.slug}`,
})
