import glmProxy from './glm-proxy.ts'

export default [glmProxy]
