import { vacuumed } from '../../../contract/views/database.ts'
import { command, one } from '../../declare/define.ts'

export default command({
  effect: 'write',
  summary: 'Shrink the file by the space that deleted rows have left',
  description: 'Rewrites the whole file. Other processes that use the database wait until it is done.',
  examples: ['latchkey db vacuum --dry-run', 'latchkey db vacuum'],
  run: async ctx => (await ctx.operations()).database.vacuum(),
  prints: one(vacuumed, {
    done: ({ path, bytesBefore, bytesAfter }, brush) =>
      `${path}: ${brush.bytes(bytesBefore)} before, ${brush.bytes(bytesAfter)} now`,
  }),
  would: ({ path, bytesBefore, bytesAfter }, brush) =>
    `make ${path} smaller: ${brush.bytes(bytesBefore)} now, about ${brush.bytes(bytesAfter)} then`,
})
