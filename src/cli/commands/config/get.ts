import { configValue } from '../../../contract/views/program.ts'
import { arg, command, one } from '../../declare/define.ts'
import { settingName } from '../../declare/parse.ts'

export default command({
  effect: 'read',
  summary: 'Print the value of one setting',
  examples: ['latchkey config get db', 'latchkey config get backup_dir --profile prod'],
  args: { setting: arg.one('Name of the setting; config show lists them', settingName) },
  run: async (ctx, { setting: name }) => ctx.config.setting(name),
  prints: one(configValue, { done: setting => setting.value ?? '' }),
})
