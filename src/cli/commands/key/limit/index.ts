import add from './add.ts'
import list from './list.ts'
import remove from './remove.ts'

export default { name: 'limit', summary: 'Rolling limits of a key', commands: [add, list, remove] }
