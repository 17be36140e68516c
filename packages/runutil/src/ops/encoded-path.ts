/**
 * A name with slashes, such as the path of a worker, as a part of an address: each segment encoded, without the slash at its beginning.
 *
 * Whoever sends a request resolves segments '.' and '..' before, however they are encoded: a name with such ones is encoded as one
 * segment. One that is nothing else can't be a part of an address.
 */
export function encodedPath(path: string): string {
  const segments = path.replace(/^\//, '').split('/')
  if (segments.some((segment) => segment === '.' || segment === '..')) return encodeURIComponent(path)
  return segments.map(encodeURIComponent).join('/')
}
