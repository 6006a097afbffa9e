import { exitCodes } from '../../../contract/errors.ts'
import { settingsCheck } from '../../../contract/views/program.ts'
import { command, rows } from '../../declare/define.ts'
import { checkSettings } from '../../settings/config.ts'

export default command({
  effect: 'read',
  mendsSettings: true,
  summary: 'Check the syntax, names and values in every settings file',
  examples: ['latchkey config validate', 'latchkey config validate --json'],
  run: async ctx => checkSettings(ctx.config),
  prints: rows(settingsCheck, {
    columns: [
      { title: 'file', cell: file => file.path },
      {
        title: 'outcome',
        cell: (file, brush) =>
          file.ok ? (file.exists ? brush.good('ok') : 'not there') : brush.bad('broken'),
      },
      { title: 'problem', cell: file => file.problem ?? '', whole: true, hideEmpty: true },
    ],
    empty: 'No files.',
  }),
  exit: files => (files.every(file => file.ok) ? 0 : exitCodes.config),
})
