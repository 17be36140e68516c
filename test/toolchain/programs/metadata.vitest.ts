import { expect, test } from 'vitest'

test('a class with metadata', async () => {
  await expect(import('./with-metadata.ts')).resolves.toBeDefined()
})
