import show from './show.ts'

export default [show]
