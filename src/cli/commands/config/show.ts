import { configValue } from '../../../contract/views/program.ts'
import { command, rows } from '../../declare/define.ts'
import { settingNames } from '../../settings/file.ts'

export default command({
  effect: 'read',
  summary: 'Show each setting and where it comes from',
  description:
    'Flags win over LATCHKEY_ variables, then latchkey.toml in the current folder, then latchkey.toml in ' +
    'your configuration folder, then the defaults.',
  examples: ['latchkey config show', 'latchkey config show --json', 'LATCHKEY_TZ=UTC latchkey config show'],
  run: async ctx => settingNames.map(ctx.config.setting),
  prints: rows(configValue, {
    columns: [
      { title: 'name', cell: setting => setting.name, whole: true },
      { title: 'value', cell: setting => setting.value ?? '-', whole: true },
      {
        title: 'source',
        cell: (setting, brush) => brush.dim(setting.source),
        importance: 'low',
        spare: 'last',
      },
    ],
    empty: 'No settings.',
  }),
})
