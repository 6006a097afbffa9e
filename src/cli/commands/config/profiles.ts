import { settingsProfile } from '../../../contract/views/program.ts'
import { command, rows } from '../../declare/define.ts'
import { listProfiles } from '../../settings/config.ts'

export default command({
  effect: 'read',
  mendsSettings: true,
  summary: 'List the profiles, and the one in use',
  description:
    'A profile is a table such as [profile.prod] in a settings file. Choose it with --profile prod.',
  examples: ['latchkey config profiles', 'latchkey config profiles --json'],
  run: async ctx => listProfiles(ctx.config),
  prints: rows(settingsProfile, {
    columns: [
      { title: 'name', cell: profile => profile.name, whole: true },
      { title: 'in use', cell: (profile, brush) => (profile.inUse ? brush.good('yes') : 'no') },
      { title: 'database', cell: profile => profile.db ?? '-', whole: true },
      { title: 'file', cell: profile => profile.paths.join(', '), importance: 'low' },
    ],
    empty: 'No profiles. Make one with: latchkey config set db FILE --profile prod',
  }),
})
