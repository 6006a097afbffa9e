import { project } from '../../../contract/views/people.ts'
import { command, opt, rows } from '../../declare/define.ts'
import { paging } from '../thing.ts'

export default command({
  effect: 'read',
  summary: 'List projects, oldest first',
  description: 'To page, give the last project of a page as --after PROJECT.',
  examples: [
    'latchkey project list',
    'latchkey project list --owner alice --status active --json',
    'latchkey project list --limit 20 --after shop',
  ],
  options: {
    owner: opt.text('user', 'Only projects of this owner'),
    org: opt.text('org', 'Only projects of this organization'),
    member: opt.text('user', 'Only projects with this member'),
    status: opt.choice(['active', 'archived'], 'Only projects with this status'),
    search: opt.text('text', 'Only projects whose slug, name or description contains this'),
    ...paging('project'),
  },
  run: async (ctx, page) => (await ctx.operations()).projects.stream(page),
  prints: rows(project, {
    columns: [
      { title: 'slug', cell: project => project.slug, whole: true },
      { title: 'name', cell: project => project.name, importance: 'low', spare: 'last' },
      { title: 'owner', cell: project => project.owner?.username ?? project.organization?.slug ?? '' },
      { title: 'state', cell: project => project.state, wide: true },
      { title: 'members', cell: (project, brush) => brush.count(project.members.length), align: 'right' },
      {
        title: 'status',
        cell: (project, brush) =>
          project.archivedAt ? brush.dim(project.status) : brush.good(project.status),
        whole: true,
      },
      { title: 'created', time: project => project.createdAt },
      { title: 'key prefix', cell: project => project.keyPrefix ?? 'lk', wide: true },
      { title: 'id', cell: project => project.id, wide: true },
    ],
    empty: 'No projects. Create one with: latchkey project create Shop --owner alice',
    noMatch: 'No projects match. List all with: latchkey project list',
  }),
})
