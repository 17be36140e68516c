import { MissingPeerError } from './missing-peer-error.ts'

/**
 * What `load` imports.
 *
 * @throws MissingPeerError when `peer` isn't installed
 */
export async function importPeer<T>(peer: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load()
  } catch (error) {
    if (isMissing(error, peer)) throw new MissingPeerError(peer, error)
    throw error
  }
}

/** An installed peer may itself miss a module: that is another error. */
function isMissing(error: unknown, peer: string): boolean {
  const { code, message } = error as NodeJS.ErrnoException
  return /^(ERR_)?MODULE_NOT_FOUND$/.test(code ?? '') && message.includes(`'${peer}'`)
}
