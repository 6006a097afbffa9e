import ccluster from './ccluster.ts'
import dokify from './dokify.ts'
import glmProxy from './glm-proxy.ts'
import list from './list.ts'
import undo from './undo.ts'

export default [glmProxy, ccluster, dokify, list, undo]
