/** Settings and variables for the reference. A test compares these lists with what the program reads. */
import type { SettingName } from '../settings/file.ts'

interface Setting {
  readonly flag: string
  readonly summary: string
  readonly byDefault: string
}

/** The settings of `latchkey.toml`, by name. Each is also a variable: `LATCHKEY_` and its name in capitals. */
export const settings: Readonly<Record<SettingName, Setting>> = {
  db: {
    flag: '`--db`',
    summary: 'The database: a file, or `postgres://…`',
    byDefault: '`$XDG_DATA_HOME/latchkey/latchkey.db`',
  },
  tz: {
    flag: '`--tz`',
    summary: 'Time zone of dates in tables and arguments, such as `Europe/Berlin`',
    byDefault: 'the system time zone',
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
    summary: 'File of age public keys, one per line; every backup is encrypted to them',
    byDefault: 'none',
  },
  age_identity_file: {
    flag: '`--identity`',
    summary: 'File of age identities, to decrypt backups',
    byDefault: 'none',
  },
  unpriced: {
    flag: '',
    summary:
      '`deny` refuses requests for models without a price where a dollar limit binds them; `allow` counts them without a cost',
    byDefault: '`allow`',
  },
  max_end_users: {
    flag: '',
    summary: 'How many end users a key may have; more are denied where a limit for each of them binds',
    byDefault: '`10000`',
  },
  output: { flag: '`-o`, `--json`, `-q`', summary: 'Format of the output', byDefault: '`table`' },
}

export const variableOf = (setting: string): string => `LATCHKEY_${setting.toUpperCase()}`

/** Variables that are not settings. */
export const variables: Readonly<Record<string, string>> = {
  LATCHKEY_ACTOR: 'Name for the audit log, instead of the user of the operating system',
  LATCHKEY_PROFILE: 'The profile of `latchkey.toml` to use; same as `--profile`',
  DATABASE_URL:
    'A database on PostgreSQL, as other programs name it; counts if no setting names one, and other values are ignored',
  DATABASE_PATH:
    'A database file, as other programs name it; counts if no setting names one. If there is a database at the default place too, commands refuse',
  PGPASSWORD: 'Password for a `postgres://` URL that has none',
  MYSQL_PWD: 'Password for a `mysql://` URL that an import reads and that has none',
  LATCHKEY_DEBUG: '`1` adds a stack trace to errors',
  XDG_DATA_HOME:
    'Parent folder of `latchkey/latchkey.db`, the default database; `~/.local/share` when not set',
  XDG_CONFIG_HOME: 'Parent folder of `latchkey/latchkey.toml`, your settings file; `~/.config` when not set',
  XDG_STATE_HOME:
    'Parent folder of `latchkey/backup.log`, the log of scheduled backups; `~/.local/state` when not set',
  AWS_ACCESS_KEY_ID: 'Access key for S3',
  AWS_SECRET_ACCESS_KEY: 'Its secret access key',
  AWS_SESSION_TOKEN: 'Session token of temporary credentials',
  AWS_ENDPOINT_URL: 'URL of an S3 service other than AWS',
  AWS_ENDPOINT_URL_S3: 'The same; wins over `AWS_ENDPOINT_URL`',
  AWS_REGION: 'Region of the bucket; us-east-1 when no region is set',
  AWS_DEFAULT_REGION: 'The same; `AWS_REGION` wins',
  SYSTEMD_UNIT_PATH: 'Folder for systemd units, if you may write there; `/etc/systemd/system` when not set',
  LATCHKEY_S3_TIMEOUT: 'Seconds without a response before a bucket counts as unreachable; 60 when not set',
  HOME: 'Your home folder, `~`',
  NO_COLOR: 'Any value turns colour off',
  FORCE_COLOR: 'Turns colour on, also without a terminal; `0` turns it off; wins over `NO_COLOR`',
  TERM: '`dumb` turns colour and the pager off; `dumb` and `linux` keep bars to ASCII',
  LATCHKEY_PAGER: 'Pager for lists longer than the terminal, with its options; empty or `cat` for none',
  PAGER: 'The same, if `LATCHKEY_PAGER` is not set; the default is `less -FRX`',
  LC_ALL: 'A locale without UTF-8 keeps bars to ASCII; if not set, `LC_CTYPE` and then `LANG` decide',
  CI: 'Any value but `false` and `0`: never ask, as with `--no-input`, and use no pager',
  PATH: 'Where to find drizzle-kit, a pager, crontab and systemctl',
  SHELL: 'The shell that completion install uses by default',
  SUDO_USER: 'Name for the audit log when root runs the program through sudo',
  SUDO_UID: 'User whose `latchkey.toml` in the current folder root trusts too, under sudo',
  INVOCATION_ID: 'Set by systemd; the origin in the audit log is then `service`',
}
