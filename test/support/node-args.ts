/**
 * For programs that run shortly: WebAssembly, which an embedded database is, isn't compiled a second time, to faster code. That is
 * half of what such a program takes.
 */
export const QUICK_START = ['--liftoff-only']
