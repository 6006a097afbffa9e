/** The words that make one program of the sources, which needs nothing else: the migrations are inside. */

/** @param platform as in `linux-x64`; default: this one */
export const compileWords = (outfile: string, platform?: string): readonly string[] => [
  process.execPath,
  'build',
  '--compile',
  ...(platform === undefined ? [] : [`--target=bun-${platform}`]),
  '--minify',
  '--bytecode',
  '--format=esm',
  '--splitting',
  '--no-compile-autoload-dotenv',
  '--no-compile-autoload-bunfig',
  'bin/latchkey.ts',
  // A thread of its own is an entry point of its own.
  'src/operations/file/backup/worker.ts',
  '--outfile',
  outfile,
]
