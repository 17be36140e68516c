// Simulates that an incompatible copy of runutil was loaded earlier.
Object.defineProperty(globalThis, Symbol.for('runutil.shared'), {
  value: { version: 0, from: '/old/runutil/dist', values: new Map() },
})
await import('runutil')
await import('runutil/queue')

export {}
