import { programInfo } from '../../contract/views/program.ts'
import { command, one } from '../declare/define.ts'
import { runningProgram } from './version/running.ts'

export default command({
  effect: 'read',
  summary: 'Print the version of this program, and with -o json what it runs on',
  examples: ['latchkey version', 'latchkey version --json'],
  mendsSettings: true,
  run: async () => runningProgram(),
  prints: one(programInfo, { done: ({ version }) => `latchkey ${version}` }),
})
