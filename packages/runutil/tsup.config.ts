import { defineConfig } from 'tsup'

export default defineConfig({
  entry: { index: 'src/index.ts', 'testing/index': 'src/testing/index.ts' },
  format: 'esm',
  target: 'node20',
  dts: true,
  clean: true,
  // Shared chunks: an error class that two doors export must be one class.
  splitting: true,
})
