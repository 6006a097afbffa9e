import { configChange } from '../../../contract/views/program.ts'
import { arg, command, one, opt } from '../../declare/define.ts'
import { settingName } from '../../declare/parse.ts'
import { changeSettings } from '../../settings/config.ts'

export default command({
  effect: 'write',
  mendsSettings: true,
  summary: 'Change one setting in latchkey.toml and leave the rest of the file alone',
  description:
    'Writes to your own settings file, or with --here to latchkey.toml in the current folder. With --profile, writes to that profile. Relative paths start from the current folder.',
  examples: [
    'latchkey config set db /var/lib/gateway/latchkey.db',
    'latchkey config set tz Europe/Berlin --here',
    'latchkey config set db /srv/prod/latchkey.db --profile prod',
  ],
  args: { setting: arg.one('Name of the setting', settingName), value: arg.one('New value') },
  options: { here: opt.flag('Write to latchkey.toml in the current folder') },
  run: async (ctx, { setting: name, value, here }) =>
    changeSettings(ctx.config, { name, value, scope: here ? 'folder' : 'user', dryRun: ctx.dryRun }),
  prints: one(configChange, {
    done: ({ name, value, path, changed }) =>
      changed ? `Set ${name} to ${value} in ${path}` : `Unchanged: ${name} is already ${value} in ${path}`,
  }),
  notice: ({ hiddenBy }) =>
    hiddenBy === null ? undefined : `${hiddenBy} also sets it, and wins in this folder.`,
  would: ({ name, value, path, hiddenBy }) =>
    `set ${name} to ${value} in ${path}${hiddenBy === null ? '' : `; ${hiddenBy} also sets it, and wins in this folder`}`,
})
