// A worker as tinypool and jest-worker load it.
export default (payload) => payload
export const echo = (payload) => payload
