/** What can be set from outside, for the reference; a test compares these lists with what the program reads. */

export interface Setting {
  /** Its name in `latchkey.toml` and in `latchkey config show`. */
  readonly name: string
  readonly flag: string
  readonly summary: string
  readonly byDefault: string
}

/** The settings of `latchkey.toml`; each is also a variable, `LATCHKEY_` and its name in capitals. */
export const settings: readonly Setting[] = [
  {
    name: 'db',
    flag: '`--db`',
    summary: 'The database',
    byDefault: '`$XDG_DATA_HOME/latchkey/latchkey.db`',
  },
  {
    name: 'tz',
    flag: '`--tz`',
    summary: 'Time zone of dates in tables and arguments, such as `Europe/Berlin`',
    byDefault: 'the zone of the system',
  },
  {
    name: 'backup_dir',
    flag: '`--to`, `--from`',
    summary: 'Folder of the backups, or `s3://bucket/prefix`',
    byDefault: '`backups` beside the database',
  },
  {
    name: 'backup_keep',
    flag: '`--keep-…`',
    summary: 'Which backups to keep, such as `daily=7,weekly=4`; in the file a table: `[backup.keep]`',
    byDefault: 'nothing is removed',
  },
  {
    name: 'age_recipients_file',
    flag: '`--recipients-file`',
    summary: 'Age public keys, one a line: every backup is encrypted to them',
    byDefault: 'none',
  },
  {
    name: 'age_identity_file',
    flag: '`--identity`',
    summary: 'Age identities, which open encrypted backups',
    byDefault: 'none',
  },
  {
    name: 'output',
    flag: '`-o`, `--json`, `-q`',
    summary: 'Format of the output',
    byDefault: '`table`',
  },
]

export const variableOf = (setting: string): string => `LATCHKEY_${setting.toUpperCase()}`

export interface Variable {
  readonly name: string
  readonly summary: string
}

/** Variables that are no settings. */
export const variables: readonly Variable[] = [
  {
    name: 'LATCHKEY_ACTOR',
    summary: 'Who the audit trail names, in place of the user of the operating system',
  },
  { name: 'LATCHKEY_PROFILE', summary: 'The profile of `latchkey.toml` to use, as `--profile`' },
  { name: 'LATCHKEY_DEBUG', summary: '`1` adds to an error where in the program it happened' },
  {
    name: 'XDG_DATA_HOME',
    summary: 'Folder above that of the default database; `~/.local/share` when it is not set',
  },
  {
    name: 'XDG_CONFIG_HOME',
    summary: "Folder above that of the user's `latchkey.toml`; `~/.config` when it is not set",
  },
  {
    name: 'XDG_STATE_HOME',
    summary: 'Folder above that of the log of scheduled backups; `~/.local/state` when it is not set',
  },
  { name: 'AWS_ACCESS_KEY_ID', summary: 'Who asks for a bucket' },
  { name: 'AWS_SECRET_ACCESS_KEY', summary: 'The secret that belongs to it' },
  { name: 'AWS_SESSION_TOKEN', summary: 'The token of a temporary one' },
  { name: 'AWS_ENDPOINT_URL', summary: 'Address of an S3 service other than AWS' },
  { name: 'AWS_ENDPOINT_URL_S3', summary: 'The same; wins over `AWS_ENDPOINT_URL`' },
  { name: 'AWS_REGION', summary: 'Region of the bucket; us-east-1 when neither is set' },
  { name: 'AWS_DEFAULT_REGION', summary: 'The same; `AWS_REGION` wins' },
  {
    name: 'SYSTEMD_UNIT_PATH',
    summary:
      'Folder of the units of the system, for who may write there; `/etc/systemd/system` when it is not set',
  },
  {
    name: 'LATCHKEY_S3_TIMEOUT',
    summary: 'How many seconds a bucket may be silent; 60 when it is not set',
  },
  { name: 'HOME', summary: 'What `~` stands for' },
  { name: 'NO_COLOR', summary: 'Anything turns colour off' },
  {
    name: 'FORCE_COLOR',
    summary: 'Turns colour on off a terminal too, or off with `0`; wins over `NO_COLOR`',
  },
  { name: 'TERM', summary: '`dumb` turns colour and the pager off; `dumb` and `linux` keep bars to ASCII' },
  {
    name: 'LATCHKEY_PAGER',
    summary: 'What shows lists longer than the terminal, with its options; nothing or `cat` for none',
  },
  { name: 'PAGER', summary: 'The same where `LATCHKEY_PAGER` is not set; otherwise `less -FRX`' },
  {
    name: 'LC_ALL',
    summary: 'A locale without UTF-8 keeps bars to ASCII; then `LC_CTYPE`, then `LANG` are asked',
  },
  { name: 'CI', summary: 'Anything but `false` and `0`: never ask, as `--no-input`; no pager' },
  { name: 'PATH', summary: 'Where drizzle-kit, a pager, crontab and systemctl are looked for' },
  { name: 'SHELL', summary: 'What completion install installs for when it is not told' },
  { name: 'SUDO_USER', summary: 'Named in the audit trail when root runs the program through sudo' },
  {
    name: 'SUDO_UID',
    summary: 'Whose `latchkey.toml` root follows beside its own when it runs the program through sudo',
  },
  { name: 'INVOCATION_ID', summary: 'Set by systemd: the audit trail says `service`' },
]
