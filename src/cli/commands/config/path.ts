import { settingsCheck } from '../../../contract/views/program.ts'
import { command, rows } from '../../declare/define.ts'
import { checkSettings } from '../../settings/config.ts'

export default command({
  effect: 'read',
  mendsSettings: true,
  summary: 'List the settings files, highest priority first',
  examples: ['latchkey config path', 'latchkey config path --json'],
  run: async ctx => checkSettings(ctx.config),
  prints: rows(settingsCheck, {
    columns: [
      { title: 'file', cell: file => file.path },
      { title: 'there', cell: file => (file.exists ? 'yes' : 'no') },
      { title: 'profiles', cell: file => file.profiles.join(', ') },
    ],
    empty: 'No files.',
  }),
})
