import { buildIfStale } from '../packages/runutil/build.ts'

/** Toolchain, package and subprocess tests use the package as it is published. */
export async function setup(): Promise<void> {
  const { complaints } = await buildIfStale()
  // Not a failed run: all other tests run from the sources, and `types` reports the same.
  if (complaints !== '') console.warn(complaints)
}
