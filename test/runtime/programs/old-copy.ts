// A copy of runutil whose ways are not known here was loaded before.
Object.defineProperty(globalThis, Symbol.for('runutil.shared'), {
  value: { version: 0, from: '/old/runutil/dist', values: new Map() },
})
await import('runutil')
await import('runutil/queue')

export {}
