import { configChange } from '../../../contract/views/program.ts'
import { arg, command, one, opt } from '../../declare/define.ts'
import { settingName } from '../../declare/parse.ts'
import { changeSettings } from '../../settings/config.ts'

export default command({
  effect: 'write',
  mendsSettings: true,
  summary: 'Remove one setting from latchkey.toml',
  examples: ['latchkey config unset tz', 'latchkey config unset db --here'],
  args: { setting: arg.one('Name of the setting', settingName) },
  options: { here: opt.flag('Remove it from latchkey.toml in the current folder') },
  run: async (ctx, { setting: name, here }) =>
    changeSettings(ctx.config, { name, value: null, scope: here ? 'folder' : 'user', dryRun: ctx.dryRun }),
  prints: one(configChange, {
    done: ({ name, path, changed }) =>
      changed ? `Removed ${name} from ${path}` : `Unchanged: ${name} is not set in ${path}`,
  }),
  notice: ({ hiddenBy }) =>
    hiddenBy === null ? undefined : `${hiddenBy} also sets it, and wins in this folder.`,
  would: ({ name, path }) => `remove ${name} from ${path}`,
})
