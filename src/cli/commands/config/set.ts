import { configChange } from '../../../contract/views/program.ts'
import { arg, command, one, opt } from '../../declare/define.ts'
import { settingName } from '../../declare/parse.ts'
import { changeSettings } from '../../settings/config.ts'

export default command({
  effect: 'write',
  mendsSettings: true,
  summary: 'Set one setting in latchkey.toml, leaving the rest of it as it is',
  description:
    'Writes into your own file of settings, or with --here into latchkey.toml in the current folder. With --profile into the table of that profile.',
  examples: [
    'latchkey config set db /var/lib/gateway/latchkey.db',
    'latchkey config set tz Europe/Berlin --here',
    'latchkey config set db /srv/prod/latchkey.db --profile prod',
  ],
  args: { setting: arg.one('Name of the setting', settingName), value: arg.one('Its value') },
  options: { here: opt.flag('In latchkey.toml of the current folder') },
  run: async (ctx, { setting: name, value, here }) =>
    changeSettings(ctx.config, { name, value, scope: here ? 'folder' : 'user', dryRun: ctx.dryRun }),
  prints: one(configChange, { done: ({ name, value, path }) => `Set ${name} to ${value} in ${path}` }),
  notice: ({ hiddenBy }) =>
    hiddenBy === null ? undefined : `${hiddenBy} has its own value, which wins in this folder.`,
  would: ({ name, value, path, hiddenBy }) =>
    `set ${name} to ${value} in ${path}${hiddenBy === null ? '' : `; ${hiddenBy} has its own value, which wins in this folder`}`,
})
