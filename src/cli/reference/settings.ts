/** What can be set from outside, for the reference; a test compares these lists with what the program reads. */
import type { SettingName } from '../settings/file.ts'

interface Setting {
  readonly flag: string
  readonly summary: string
  readonly byDefault: string
}

/** The settings of `latchkey.toml`, by name; each is also a variable, `LATCHKEY_` and its name in capitals. */
export const settings: Readonly<Record<SettingName, Setting>> = {
  db: { flag: '`--db`', summary: 'The database', byDefault: '`$XDG_DATA_HOME/latchkey/latchkey.db`' },
  tz: {
    flag: '`--tz`',
    summary: 'Time zone of dates in tables and arguments, such as `Europe/Berlin`',
    byDefault: 'the zone of the system',
  },
  backup_dir: {
    flag: '`--to`, `--from`',
    summary: 'Folder of the backups, or `s3://bucket/prefix`',
    byDefault: '`backups` beside the database',
  },
  backup_keep: {
    flag: '`--keep-…`',
    summary: 'Which backups to keep, such as `daily=7,weekly=4`; in the file a table: `[backup.keep]`',
    byDefault: 'nothing is removed',
  },
  age_recipients_file: {
    flag: '`--recipients-file`',
    summary: 'Age public keys, one a line: every backup is encrypted to them',
    byDefault: 'none',
  },
  age_identity_file: {
    flag: '`--identity`',
    summary: 'Age identities, which open encrypted backups',
    byDefault: 'none',
  },
  output: { flag: '`-o`, `--json`, `-q`', summary: 'Format of the output', byDefault: '`table`' },
}

export const variableOf = (setting: string): string => `LATCHKEY_${setting.toUpperCase()}`

/** Variables that are no settings. */
export const variables: Readonly<Record<string, string>> = {
  LATCHKEY_ACTOR: 'Who the audit trail names, in place of the user of the operating system',
  LATCHKEY_PROFILE: 'The profile of `latchkey.toml` to use, as `--profile`',
  LATCHKEY_DEBUG: '`1` adds to an error where in the program it happened',
  XDG_DATA_HOME: 'Folder above that of the default database; `~/.local/share` when it is not set',
  XDG_CONFIG_HOME: "Folder above that of the user's `latchkey.toml`; `~/.config` when it is not set",
  XDG_STATE_HOME: 'Folder above that of the log of scheduled backups; `~/.local/state` when it is not set',
  AWS_ACCESS_KEY_ID: 'Who asks for a bucket',
  AWS_SECRET_ACCESS_KEY: 'The secret that belongs to it',
  AWS_SESSION_TOKEN: 'The token of a temporary one',
  AWS_ENDPOINT_URL: 'Address of an S3 service other than AWS',
  AWS_ENDPOINT_URL_S3: 'The same; wins over `AWS_ENDPOINT_URL`',
  AWS_REGION: 'Region of the bucket; us-east-1 when neither is set',
  AWS_DEFAULT_REGION: 'The same; `AWS_REGION` wins',
  SYSTEMD_UNIT_PATH:
    'Folder of the units of the system, for who may write there; `/etc/systemd/system` when it is not set',
  LATCHKEY_S3_TIMEOUT: 'How many seconds a bucket may be silent; 60 when it is not set',
  HOME: 'What `~` stands for',
  NO_COLOR: 'Anything turns colour off',
  FORCE_COLOR: 'Turns colour on off a terminal too, or off with `0`; wins over `NO_COLOR`',
  TERM: '`dumb` turns colour and the pager off; `dumb` and `linux` keep bars to ASCII',
  LATCHKEY_PAGER: 'What shows lists longer than the terminal, with its options; nothing or `cat` for none',
  PAGER: 'The same where `LATCHKEY_PAGER` is not set; otherwise `less -FRX`',
  LC_ALL: 'A locale without UTF-8 keeps bars to ASCII; then `LC_CTYPE`, then `LANG` are asked',
  CI: 'Anything but `false` and `0`: never ask, as `--no-input`; no pager',
  PATH: 'Where drizzle-kit, a pager, crontab and systemctl are looked for',
  SHELL: 'What completion install installs for when it is not told',
  SUDO_USER: 'Named in the audit trail when root runs the program through sudo',
  SUDO_UID: 'Whose `latchkey.toml` root follows beside its own when it runs the program through sudo',
  INVOCATION_ID: 'Set by systemd: the audit trail says `service`',
}
