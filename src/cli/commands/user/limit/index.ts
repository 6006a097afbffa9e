import add from './add.ts'
import list from './list.ts'
import remove from './remove.ts'

export default { name: 'limit', summary: 'Rolling limits of a user', commands: [add, list, remove] }
