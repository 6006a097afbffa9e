import list from './list.ts'
import remove from './remove.ts'
import set from './set.ts'

export default { name: 'price', summary: 'What models cost', commands: [set, list, remove] }
